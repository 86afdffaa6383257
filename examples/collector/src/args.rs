//! The command line.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use clap::Parser;

use crate::cors::{AllowedOrigin, AllowedOrigins};

/// Where the demo page's build is, seen from the repository's root.
const DEFAULT_WWW: &str = "www/dist";

/// Reference collector for langflow-telemetry: takes batches of events, keeps each once in SQLite.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Args {
    /// SQLite database; made if it is not there
    #[arg(long, value_name = "FILE", default_value = "telemetry.db")]
    pub(crate) db: PathBuf,

    /// Address and port to listen on; port 0 takes a free one, printed when ready
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,

    /// Origin whose pages may send and read, such as https://app.example.com, or * for all; repeatable.
    /// Without it only pages served by the collector itself, or through a proxy on the page's own origin
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<AllowedOrigin>,

    /// Folder with the page to serve at /; by default www/dist if it is there
    #[arg(long, value_name = "DIR")]
    www: Option<PathBuf>,
}

impl Args {
    /// The origins given, as one rule.
    pub(crate) fn allowed_origins(&self) -> AllowedOrigins {
        AllowedOrigins::from_list(&self.allow_origin)
    }

    /// The folder to serve, if any. One that was asked for and is not there is an error; the default may be
    /// missing, since the page is built by another toolchain.
    pub(crate) fn www_dir(&self) -> Result<Option<PathBuf>, String> {
        match &self.www {
            Some(dir) if dir.is_dir() => Ok(Some(dir.clone())),
            Some(dir) => Err(format!("--www {}: expected a folder that exists", dir.display())),
            None => Ok(Some(Path::new(DEFAULT_WWW)).filter(|dir| dir.is_dir()).map(Path::to_path_buf)),
        }
    }
}
