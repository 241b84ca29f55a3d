//! What is proven, one function per row or few.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use super::client::{self, Seen, as_operator, chat};
use super::gateway::METRICS_TOKEN;
use super::table::Table;
use super::{Cluster, books};

/// Far longer than anything here takes.
pub const PATIENCE: Duration = Duration::from_secs(90);
const RPM: usize = 6;
/// Of the model in docker-compose.yml.
pub const PRICE_IN_NANO: u64 = 150;
pub const PRICE_OUT_NANO: u64 = 600;
const CLIENTS: u64 = 4;

/// Asks again until it is so.
pub fn until<T>(what: &str, mut answer: impl FnMut() -> Option<T>) -> T {
    let began_at = Instant::now();
    loop {
        if let Some(answer) = answer() {
            return answer;
        }
        assert!(began_at.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub fn health(cluster: &Cluster, table: &mut Table) {
    for gateway in &cluster.gateways {
        assert!(gateway.is_healthy(&[]) && gateway.is_healthy(&["--ready"]));
    }
    assert!(cluster.workers.iter().all(|worker| worker.is_healthy()));
    table.row("healthy in order", "redis, postgres, two workers, two gateways");
}

/// Made at the one, good at the other.
pub fn keys(cluster: &Cluster, table: &mut Table) -> String {
    let body = format!(r#"{{"name":"shared","limits":{{"rpm":{RPM}}}}}"#);
    let made = as_operator(cluster.gateways[0].admin_address, "POST", "/v1/admin/keys", &body);
    assert_eq!(made.status, 201, "{}", made.body);
    let key = made.json()["key"].as_str().unwrap().to_owned();
    let other = cluster.gateways[1].address;
    let authorization = format!("Authorization: Bearer {key}");
    until("the other gateway knows the key", || {
        let models = client::send(other, "GET", "/v1/models", &[&authorization], "")?;
        (models.status == 200).then_some(())
    });
    assert_eq!(as_operator(other, "GET", "/v1/admin/keys", "").status, 404, "admin_listen has it");
    table.row("a key made at one is good at the other", "within 5 s, without a restart");
    key
}

pub fn limits(cluster: &Cluster, key: &str, table: &mut Table) {
    let calls = 2 * RPM;
    let statuses: Vec<u16> = (0..calls)
        .map(|number| {
            let gateway = &cluster.gateways[number % 2];
            let id = format!("limited-{number}");
            let answer = chat(gateway.address, key, &id, 7, false).expect("an answer");
            let seen = client::seen(Some(&answer), 7, false);
            cluster.seen.lock().unwrap().insert(id, seen);
            assert!(answer.header("x-ratelimit-degraded").is_none(), "{}", answer.head);
            answer.status
        })
        .collect();
    let passed = statuses.iter().filter(|status| **status == 200).count();
    let refused = statuses.iter().filter(|status| **status == 429).count();
    assert_eq!((passed, refused), (RPM, calls - RPM), "{statuses:?}");
    table
        .row("one limit over both gateways", format!("rpm {RPM}: {passed} of {calls} pass, {refused} × 429"));
}

pub fn usage(cluster: &Cluster, key: &str, table: &mut Table) {
    let counted = cluster.upstream.counted();
    let tokens: u64 = counted.values().map(|counts| counts.prompt + counts.completion).sum();
    let authorization = format!("Authorization: Bearer {key}");
    let told: Vec<(u64, u64)> = cluster
        .gateways
        .iter()
        .map(|gateway| {
            until("the usage is written", || {
                let usage = client::send(gateway.address, "GET", "/v1/usage", &[&authorization], "")?.json();
                let sum = |field: &str| {
                    let groups = usage["data"].as_array().into_iter().flatten();
                    groups.map(|group| group[field].as_u64().unwrap_or_default()).sum::<u64>()
                };
                let told = (sum("requests"), sum("prompt_tokens") + sum("completion_tokens"));
                (told == (counted.len() as u64, tokens)).then_some(told)
            })
        })
        .collect();
    table.row(
        "one ledger over both gateways",
        format!("both tell {} requests, {} tokens", told[0].0, told[0].1),
    );
}

/// The sum over gateways of a series, summed over its labels.
fn metric(cluster: &Cluster, start: &str) -> f64 {
    let authorization = format!("Authorization: Bearer {METRICS_TOKEN}");
    let pages = cluster.gateways.iter().map(|gateway| {
        let page = client::send(gateway.admin_address, "GET", "/metrics", &[&authorization], "").unwrap();
        assert_eq!(page.status, 200, "{}", page.head);
        page.body
    });
    pages
        .flat_map(|page| page.lines().map(str::to_owned).collect::<Vec<_>>())
        .filter(|line| line.starts_with(start))
        .map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap())
        .sum()
}

pub fn metrics(cluster: &Cluster, table: &mut Table) {
    for gateway in &cluster.gateways {
        let public = client::send(gateway.address, "GET", "/metrics", &[], "").unwrap();
        let nobody = client::send(gateway.admin_address, "GET", "/metrics", &[], "").unwrap();
        assert_eq!((public.status, nobody.status), (404, 401));
    }
    let admitted = metric(cluster, "novai_limit_decisions_total{decision=\"admitted\"");
    let refused = metric(cluster, "novai_limit_decisions_total{decision=\"refused\",limit=\"requests\"");
    assert_eq!((admitted, refused), (RPM as f64, RPM as f64));
    assert!(metric(cluster, "novai_store_duration_seconds_count{store=\"limits\"}") > 0.0);
    assert!(metric(cluster, "novai_store_duration_seconds_count{store=\"ledger\"}") > 0.0);
    assert_eq!(metric(cluster, "novai_limits_degraded"), 0.0);
    table.row("/metrics of both adds up", format!("{admitted} admitted, {refused} refused"));
}

/// `kill -9` in the middle of two streams, one at each worker: one breaks and says so, the other goes on.
pub fn worker_killed(cluster: &mut Cluster, table: &mut Table) {
    let (tell, told) = std::sync::mpsc::channel();
    let streams: Vec<_> = (0..2)
        .map(|number| {
            let (address, tell) = (cluster.gateways[0].address, tell.clone());
            std::thread::spawn(move || {
                client::stream(
                    address,
                    super::gateway::OPERATOR_KEY,
                    &format!("worker-{number}"),
                    3000,
                    || {
                        // The test waits for both.
                        let _ = tell.send(());
                    },
                )
            })
        })
        .collect();
    for _ in 0..2 {
        told.recv_timeout(PATIENCE).expect("a stream begins");
    }
    cluster.workers[0].process.kill();
    let answers: Vec<String> = streams.into_iter().map(|stream| stream.join().unwrap()).collect();
    let broken: Vec<&String> = answers.iter().filter(|answer| answer.contains("\"stream_broken\"")).collect();
    let whole = answers.iter().filter(|answer| answer.contains("data: [DONE]")).count();
    assert_eq!((broken.len(), whole), (1, 1), "{answers:?}");
    assert!(!broken[0].contains("[DONE]"), "a broken stream has one end");
    for number in 0..4 {
        let gateway = &cluster.gateways[number % 2];
        let answer =
            chat(gateway.address, super::gateway::OPERATOR_KEY, &format!("next-{number}"), 5, number < 2);
        assert_eq!(answer.expect("an answer").status, 200);
    }
    let port = cluster.workers[0].address.port();
    let again = cluster.worker("worker-1", port);
    cluster.workers[0] = again;
    assert!(cluster.workers[0].is_healthy());
    table.row(
        "a worker killed in mid-stream",
        "its stream ends in an error event, the other goes on, the next 4 succeed",
    );
}

/// `kill -9` in the middle of streams: those of the other gateway go on, and the books are right in the end.
pub async fn gateway_killed(cluster: &mut Cluster, table: &mut Table) {
    let operator = super::gateway::OPERATOR_KEY;
    let stop = Arc::new(AtomicBool::new(false));
    let answered = [Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0))];
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let which = (client % 2) as usize;
            let address = cluster.gateways[which].address;
            let (seen, stop, answered) =
                (Arc::clone(&cluster.seen), Arc::clone(&stop), Arc::clone(&answered[which]));
            std::thread::spawn(move || {
                for number in 0.. {
                    if stop.load(SeqCst) {
                        return;
                    }
                    let id = format!("killed-{client}-{number}");
                    let (tokens, is_stream) = (40 + (client + number) % 200, number % 4 > 0);
                    let answer = chat(address, operator, &id, tokens, is_stream);
                    let Some(answer) = answer else {
                        seen.lock().unwrap().insert(id, Seen::Less);
                        return;
                    };
                    assert_eq!(answer.status, 200, "{id}: {}", answer.body);
                    seen.lock().unwrap().insert(id, client::seen(Some(&answer), tokens, is_stream));
                    answered.fetch_add(1, SeqCst);
                }
            })
        })
        .collect();
    until("both gateways answer", || answered.iter().all(|count| count.load(SeqCst) >= 10).then_some(()));
    cluster.gateways[0].process.kill();
    let then = answered[1].load(SeqCst);
    until("the other goes on", || (answered[1].load(SeqCst) >= then + 10).then_some(()));
    stop.store(true, SeqCst);
    for client in clients {
        client.join().unwrap();
    }
    // Nobody restarts it: the other finds out by itself, and settles what it left.
    let database = books::open(&cluster.database_url).await;
    books::settled(&database).await;
    let rows = books::rows(&database).await;
    let counted = cluster.upstream.counted();
    let mut by_id: HashMap<&str, &books::Row> = HashMap::new();
    for row in &rows {
        assert!(by_id.insert(&row.request_id, row).is_none(), "doubled: {row:?}");
        assert_eq!(row.cost_nano, row.prompt * PRICE_IN_NANO + row.completion * PRICE_OUT_NANO, "{row:?}");
    }
    for (id, counts) in &counted {
        let row = by_id.get(id.as_str()).unwrap_or_else(|| panic!("lost: {id}, {counts:?}"));
        assert!(row.completion <= counts.completion, "more than there was: {row:?}, {counts:?}");
    }
    for (id, seen) in cluster.seen.lock().unwrap().iter() {
        let Seen::Whole { completion } = seen else { continue };
        let row = by_id.get(id.as_str()).unwrap_or_else(|| panic!("lost, though its caller has it: {id}"));
        // Told to its caller by the one that was killed before it was written: settled by what had been noted.
        let is_exact = row.outcome == "complete" && !row.is_estimate && row.completion == *completion;
        assert!(is_exact || row.outcome == "recovered", "{row:?}");
    }
    let of = |outcome: &str| rows.iter().filter(|row| row.outcome == outcome).count();
    table.row(
        "a gateway killed loses no money",
        format!(
            "{} counted upstream, {} in the ledger: {} complete, {} recovered, {} else; none lost or doubled",
            counted.len(),
            rows.len(),
            of("complete"),
            of("recovered"),
            rows.len() - of("complete") - of("recovered"),
        ),
    );
    let again = cluster.gateway("gateway-1");
    cluster.gateways[0] = again;
    assert!(cluster.gateways[0].is_healthy(&["--ready"]));
    table.row("a gateway started again serves", "healthy");
}

/// Each limit goes on by its share, and says so.
pub fn redis_gone(cluster: &mut Cluster, table: &mut Table) {
    let operator = super::gateway::OPERATOR_KEY;
    cluster.redis.kill();
    let ask = |cluster: &Cluster, which: usize, id: &str| {
        let answer = chat(cluster.gateways[which].address, operator, id, 5, false).expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.header("x-ratelimit-degraded").map(str::to_owned)
    };
    for which in 0..2 {
        assert_eq!(ask(cluster, which, &format!("degraded-{which}")).as_deref(), Some("true"));
    }
    assert_eq!(metric(cluster, "novai_limits_degraded"), 2.0);
    assert!(metric(cluster, "novai_limits_decided_alone_total") >= 2.0);
    table.row("without Redis limits are shared out", "served, X-RateLimit-Degraded: true, metric 1 at both");
    cluster.redis.start_again();
    let failed = metric(cluster, "novai_limits_store_failed_total");
    let asked = metric(cluster, "novai_limits_store_asked_total");
    let mut number = 0;
    until("Redis is asked again", || {
        number += 1;
        ask(cluster, number % 2, &format!("back-{number}"));
        let (now_failed, now_asked) = (
            metric(cluster, "novai_limits_store_failed_total"),
            metric(cluster, "novai_limits_store_asked_total"),
        );
        (now_asked - asked > now_failed - failed).then_some(())
    });
    table.row("Redis back is asked again", format!("after {number} requests"));
}

pub fn stopped(mut cluster: Cluster, table: &mut Table) {
    for gateway in cluster.gateways.drain(..) {
        gateway.process.stop();
    }
    table.row("both end as they should", "exit code 0");
}
