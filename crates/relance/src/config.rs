//! What the operator set: options of the command line, else the environment, else the defaults. The only reader of both.

use anyhow::{Context, bail};
use clap::Args;
use relance_domain::mail_provider::Elsewhere;
use relance_mail::guard::Networks;
use relance_storage::Database;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// Options that every command takes.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The data folder: database, secret key, sandbox mailboxes
    #[arg(long, global = true, env = "RELANCE_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// `sqlite` (a file in the data folder) or postgres://user:password@host/name
    #[arg(
        long,
        global = true,
        env = "RELANCE_DATABASE",
        value_name = "sqlite|postgres://…",
        default_value = "sqlite",
        hide_env_values = true
    )]
    pub database: String,
    /// The secret key's file, if it does not lie in the data folder
    #[arg(long, global = true, env = "RELANCE_KEY_FILE", value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// A further certificate authority (PEM) to trust for mail servers
    #[arg(long, global = true, env = "RELANCE_TLS_CA", value_name = "FILE")]
    pub tls_ca: Option<PathBuf>,
    /// Where Google and Microsoft are, if elsewhere than usual (a JSON file; see docs/operating.md)
    #[arg(long, global = true, env = "RELANCE_MAIL_PROVIDERS", value_name = "FILE")]
    pub mail_providers: Option<PathBuf>,
    /// Networks that Relance may ask beyond the public internet, such as 10.1.0.0/16; mail servers need none
    #[arg(long, global = true, env = "RELANCE_ALLOW_NETWORKS", value_name = "NETWORK,…", value_parser = networks)]
    pub allow_networks: Option<Networks>,
    /// Name servers to ask about domains, such as 9.9.9.9 or 127.0.0.1:5353; left out, those of the machine
    #[arg(long, global = true, env = "RELANCE_DNS", value_name = "ADDRESS[:PORT],…", value_delimiter = ',', value_parser = name_server)]
    pub dns: Vec<SocketAddr>,
    /// Print results as JSON
    #[arg(long, global = true)]
    pub json: bool,
}

/// Options of a serving process.
#[derive(Debug, Clone, Args)]
pub struct Serving {
    /// Where to listen; port 0 takes a free one
    #[arg(long, env = "RELANCE_LISTEN", value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7070")]
    pub listen: String,
    /// How people and prospects reach the pages, for links in emails
    #[arg(long, env = "RELANCE_BASE_URL", value_name = "URL")]
    pub base_url: Option<String>,
}

impl Global {
    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(|| PathBuf::from("data"))
    }

    /// Where the database is.
    pub fn database(&self) -> anyhow::Result<Database> {
        Database::parse(&self.database, &self.data())
            .with_context(|| format!("--database takes sqlite or postgres://…, not {}", self.database))
    }

    /// The secret key's file.
    pub fn key_file(&self) -> PathBuf {
        self.key_file.clone().unwrap_or_else(|| self.data().join("secret.key"))
    }
}

fn name_server(text: &str) -> Result<SocketAddr, String> {
    let text = text.trim();
    let address = text.parse().or_else(|_| text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 53)));
    address.map_err(|_| format!("{text} is no address such as 9.9.9.9 or 127.0.0.1:5353"))
}

fn networks(text: &str) -> Result<Networks, String> {
    Networks::parse(text).map_err(|part| format!("{part} is no network such as 10.1.0.0/16"))
}

impl Global {
    /// Where Google and Microsoft are.
    pub fn providers(&self) -> anyhow::Result<Elsewhere> {
        let Some(file) = &self.mail_providers else { return Ok(Elsewhere::default()) };
        let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
        serde_json::from_str(&text).with_context(|| format!("understanding {}", file.display()))
    }
}

impl Serving {
    /// The base address without a slash at its end; of a listener on `port` if none was set.
    pub fn base_url(&self, port: u16) -> anyhow::Result<String> {
        let Some(url) = &self.base_url else {
            let host = self.listen.rsplit_once(':').map_or("127.0.0.1", |(host, _)| host);
            let host = if host == "0.0.0.0" || host == "[::]" { "127.0.0.1" } else { host };
            return Ok(format!("http://{host}:{port}"));
        };
        if !url.starts_with("http://") && !url.starts_with("https://") {
            bail!("--base-url must begin with http:// or https://, not {url}");
        }
        Ok(url.trim_end_matches('/').to_owned())
    }
}

/// The log filter: RELANCE_LOG, else warnings and what Relance says of itself.
#[expect(clippy::disallowed_methods, reason = "config is the one reader of the environment")]
pub fn log_filter() -> String {
    std::env::var("RELANCE_LOG").unwrap_or_else(|_| "warn,relance=info,relance_engine=info,relance_web=info".to_owned())
}
