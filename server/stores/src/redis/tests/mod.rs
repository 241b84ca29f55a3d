//! Against a real redis-server, which each test starts for itself.

mod cluster;
mod contract;
mod outage;
mod restarts;
mod server;
mod slots;
mod time;
mod tls;
mod world;
