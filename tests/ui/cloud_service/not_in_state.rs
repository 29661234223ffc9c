use seaworthy::prelude::*;

#[derive(Clone, FromRef)]
struct App {
    queue: Queue,
    greeting: String,
}

#[derive(Clone)]
struct Queue;

#[derive(Clone)]
struct Redis;

#[ready]
async fn sessions(State(_redis): State<Redis>, State(_queue): State<Queue>) {}

#[cloud_service(ready(sessions))]
async fn main() -> Service<App> {
    Service::new(App { queue: Queue, greeting: String::new() })
}
