//! Where things lie. The only file that knows the repository's place on disk and its neighbour `../shared`.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

/// What a step prints when it needs `../shared` and the folder is not there.
pub const SHARED_ABSENT: &str = "skipped: ../shared is absent";

/// Folders that tools write beside sources.
const BUILT: [&str; 5] = ["target", "node_modules", "__pycache__", "dist", "build"];

pub struct Repo {
    root: PathBuf,
}

impl Repo {
    /// The checkout that xtask was compiled from, unless cargo says at run time that it has moved.
    pub fn find() -> Result<Self> {
        let manifest = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&manifest).parent().context("xtask has no folder above it")?.to_owned();
        ensure!(
            root.join("spec").is_dir(),
            "{} is not the repository: run `cargo xtask` from inside the checkout",
            root.display()
        );
        Ok(Self { root })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.join(relative)
    }

    pub fn read(&self, relative: impl AsRef<Path>) -> Result<String> {
        let path = self.path(relative);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    /// Published documents and cases that some checks use and that are no part of the repository.
    pub fn shared(&self) -> Option<PathBuf> {
        let shared =
            env::var_os("NOVAI_SHARED_DIR").map_or_else(|| self.root.join("../shared"), PathBuf::from);
        shared.is_dir().then_some(shared)
    }

    /// Scratch space that `cargo clean` removes.
    pub fn scratch(&self, name: &str) -> Result<PathBuf> {
        let path = self.target().join("xtask").join(name);
        fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(path)
    }

    pub fn target(&self) -> PathBuf {
        env::var_os("CARGO_TARGET_DIR").map_or_else(|| self.root.join("target"), PathBuf::from)
    }

    /// A binary that cargo has built, by profile (`debug`, `release`).
    pub fn binary(&self, profile: &str, name: &str) -> PathBuf {
        self.target().join(profile).join(format!("{name}{}", env::consts::EXE_SUFFIX))
    }

    /// Every file below a folder, sorted, as paths from the root with `/`; build output and hidden folders left out.
    pub fn files(&self, below: &str) -> Result<Vec<String>> {
        let mut found = Vec::new();
        let start = self.path(below);
        if start.is_dir() {
            self.walk(&start, &mut found)?;
        }
        found.sort();
        Ok(found)
    }

    fn walk(&self, folder: &Path, found: &mut Vec<String>) -> Result<()> {
        let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                if !name.starts_with('.') && !BUILT.contains(&name.as_str()) {
                    self.walk(&path, found)?;
                }
            } else if let Ok(relative) = path.strip_prefix(&self.root) {
                found.push(relative.to_string_lossy().replace('\\', "/"));
            }
        }
        Ok(())
    }
}
