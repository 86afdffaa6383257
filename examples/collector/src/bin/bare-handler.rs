//! The measure for the collector under load (`make bench-collector`): a handler of the same framework that reads
//! the body whole, looks at nothing, and answers. What the collector takes longer is what it does with the events.
//!
//! Prints `listening on http://ADDRESS`, as the collector does; ends when it is killed.

use axum::{Router, body::Bytes, routing::post};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    let routes = Router::new().route(
        "/v1/events",
        post(async |body: Bytes| if body.is_empty() { "{\"accepted\":0}" } else { "{\"accepted\":50}" }),
    );
    axum::serve(listener, routes).await
}
