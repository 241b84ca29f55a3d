//! Keys are made and changed: in the database first, then in memory. What is answered is true of both.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use novai_core::keys::{KeyAdmin, KeyChange, KeyError, KeyInfo, KeyListing, KeySettings, MadeKey, Position};

use super::index::Index;
use super::record::Record;
use super::table::{Insert, Inserted, KEYS_MAX};
use super::{Keys, secret};

impl Keys {
    async fn made(&self, settings: KeySettings) -> Result<MadeKey, KeyError> {
        let now_unix_s = self.clock.unix_time().as_secs();
        check_end(settings.expires_at_unix_s, now_unix_s)?;
        let secret = secret::generate().map_err(unavailable)?;
        let record = Record::new(secret.expose(), settings, now_unix_s);
        let replacing = self.replacing.lock().await;
        match self.table.insert(vec![record.clone()], Insert::Any).await.map_err(unavailable)? {
            Inserted::Full | Inserted::NotFirst => return Err(KeyError::Full { keys_max: KEYS_MAX }),
            Inserted::Done(version) => {
                self.replace(version, |index| index.with(version, &record)).await;
            }
        }
        drop(replacing);
        Ok(MadeKey { info: record.info, secret })
    }

    async fn edited(
        &self,
        tenant: Option<&str>,
        id: &str,
        edit: impl FnOnce(&mut Record) + Send + 'static,
    ) -> Result<KeyInfo, KeyError> {
        let replacing = self.replacing.lock().await;
        let edited = self.table.edit(tenant, id, Box::new(edit)).await.map_err(unavailable)?;
        let (record, version) = edited.ok_or_else(|| not_found(id))?;
        self.replace(version, |index| index.with(version, &record)).await;
        drop(replacing);
        Ok(self.told(record))
    }

    /// Replaces the index by what `change` makes of it. If another gateway has changed something meanwhile, all is read
    /// again; should that fail, [`super::upkeep`] does it later, since the version stays behind.
    async fn replace(&self, version: i64, change: impl FnOnce(&Index) -> Index) {
        let index = self.index.load_full();
        let mut changed = change(&index);
        if index.version.saturating_add(1) != version {
            match self.table.load().await {
                Ok(snapshot) => changed = index.reloaded(snapshot),
                Err(error) => {
                    tracing::warn!(%error, "the keys cannot be read again");
                    changed.version = index.version;
                }
            }
        }
        self.index.store(changed.into());
    }

    /// With the newest that is known of its use.
    fn told(&self, record: Record) -> KeyInfo {
        let mut info = record.info;
        let here = self.index.load().last_used_at_unix_s(&info.id);
        info.last_used_at_unix_s = info.last_used_at_unix_s.max(here);
        info
    }
}

impl KeyAdmin for Keys {
    fn create(&self, settings: KeySettings) -> BoxFuture<'_, Result<MadeKey, KeyError>> {
        self.made(settings).boxed()
    }

    fn list<'a>(
        &'a self,
        tenant: Option<&'a str>,
        after: Option<Position>,
        limit: usize,
    ) -> BoxFuture<'a, Result<KeyListing, KeyError>> {
        async move {
            // One more than asked for tells whether more follow.
            let mut records =
                self.table.list(tenant, after, limit.saturating_add(1)).await.map_err(unavailable)?;
            let has_more = records.len() > limit;
            records.truncate(limit);
            Ok(KeyListing { keys: records.into_iter().map(|record| self.told(record)).collect(), has_more })
        }
        .boxed()
    }

    fn get<'a>(&'a self, tenant: Option<&'a str>, id: &'a str) -> BoxFuture<'a, Result<KeyInfo, KeyError>> {
        async move {
            let record = self.table.get(tenant, id).await.map_err(unavailable)?;
            record.map(|record| self.told(record)).ok_or_else(|| not_found(id))
        }
        .boxed()
    }

    fn update<'a>(
        &'a self,
        tenant: Option<&'a str>,
        id: &'a str,
        change: KeyChange,
    ) -> BoxFuture<'a, Result<KeyInfo, KeyError>> {
        async move {
            check_end(change.expires_at_unix_s.flatten(), self.clock.unix_time().as_secs())?;
            self.edited(tenant, id, |record| record.info.settings.apply(change)).await
        }
        .boxed()
    }

    fn delete<'a>(&'a self, tenant: Option<&'a str>, id: &'a str) -> BoxFuture<'a, Result<(), KeyError>> {
        async move {
            let _replacing = self.replacing.lock().await;
            let deleted = self.table.delete(tenant, id).await.map_err(unavailable)?;
            let version = deleted.ok_or_else(|| not_found(id))?;
            self.replace(version, |index| index.without(version, id)).await;
            Ok(())
        }
        .boxed()
    }

    fn rotate<'a>(
        &'a self,
        tenant: Option<&'a str>,
        id: &'a str,
    ) -> BoxFuture<'a, Result<MadeKey, KeyError>> {
        async move {
            let secret = secret::generate().map_err(unavailable)?;
            let key = secret.clone();
            let info = self.edited(tenant, id, move |record| record.replace_key(key.expose())).await?;
            Ok(MadeKey { info, secret })
        }
        .boxed()
    }
}

fn check_end(expires_at_unix_s: Option<u64>, now_unix_s: u64) -> Result<(), KeyError> {
    match expires_at_unix_s.filter(|end| *end <= now_unix_s) {
        Some(expires_at_unix_s) => Err(KeyError::Expired { expires_at_unix_s }),
        None => Ok(()),
    }
}

fn not_found(id: &str) -> KeyError {
    KeyError::NotFound { id: id.to_owned() }
}

fn unavailable(source: impl std::error::Error + Send + Sync + 'static) -> KeyError {
    KeyError::Unavailable(Box::new(source))
}
