//! The reference collector for `langflow-telemetry`: takes batches of events over HTTP, keeps each event once
//! in SQLite, answers queries, and serves the demo page. `README.md` beside this crate says how to run it.
//!
//! What it promises: a row whose request was answered with 2xx is on the disk, a bad line costs only itself,
//! and neither a slow nor a huge request hurts the others.

mod args;
mod body;
mod cors;
mod ingest;
mod query;
mod records;
mod refusal;
mod routes;
mod serve;
mod store;
mod validate;

use std::{error::Error, process::ExitCode, sync::Arc};

use clap::Parser as _;

/// What the handlers share.
struct Collector {
    /// Checks lines against the schema of the crate's own record type.
    validators: validate::Validators,
    /// Bounds the memory of bodies that are being read or checked.
    bodies: body::BodyBudget,
    /// Bounds the memory of what was found in them, until it is written.
    records: records::RecordBudget,
    /// The database.
    store: store::Store,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(args::Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("collector: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Opens the database, serves until a signal says stop, then closes the database with its log folded in.
async fn run(args: args::Args) -> Result<(), Box<dyn Error>> {
    let www = args.www_dir()?;
    let validators = validate::Validators::from_record_schema()?;
    let (store, writer) = store::open(&args.db)?;
    let collector = Arc::new(Collector {
        validators,
        bodies: body::BodyBudget::new(),
        records: records::RecordBudget::new(),
        store,
    });
    let routes = routes::routes(Arc::clone(&collector), &args.allowed_origins(), www);

    let served = serve::serve(args.listen, routes).await;
    // Also when it could not listen: the database is closed the same way whatever happened before.
    writer.close(&collector.store).await?;
    Ok(served?)
}
