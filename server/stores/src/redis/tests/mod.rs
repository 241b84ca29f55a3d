//! Against a real redis-server, which each test starts for itself.

mod contract;
mod outage;
mod server;
mod slots;
mod time;
mod world;
