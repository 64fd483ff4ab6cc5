//! Asks the name service: where mail for a domain goes, and what the domain says about who may send for it.
//!
//! [`Names`] asks and [`check_domain`] judges SPF, DKIM and DMARC, in words with the record to add. Nothing is cached
//! here, so that *check again* sees what was just changed, as far as the name service does. A name service that does not
//! answer is said to be so and never taken for a record that is missing.

mod dkim;
mod dmarc;
mod finding;
mod spf;
#[cfg(test)]
mod tests;

pub use finding::{DomainCheck, Finding, RecordToAdd, Verdict};

use hickory_resolver::{
    Resolver, TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolverConfig},
    net::runtime::TokioRuntimeProvider,
    proto::rr::{RData, RecordType},
};
use std::{net::SocketAddr, time::Duration};

/// How long one question may take, asked twice at most.
const LIMIT: Duration = Duration::from_secs(4);

/// The name service could not say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the name service did not answer about {name}: {what}")]
pub struct NoAnswer {
    /// What was asked about.
    pub name: String,
    /// What went wrong.
    pub what: String,
}

/// The name service, as the operator set it or as the machine has it.
#[derive(Clone)]
pub struct Names(TokioResolver);

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Names")
    }
}

impl Names {
    /// Asks these servers; none = those of the machine.
    pub fn new(servers: &[SocketAddr]) -> Result<Self, NoAnswer> {
        let none =
            |error: &dyn std::fmt::Display| NoAnswer { name: "this machine".to_owned(), what: error.to_string() };
        let builder = if servers.is_empty() {
            Resolver::builder_tokio().map_err(|error| none(&error))?
        } else {
            let servers = servers.iter().map(|server| {
                let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
                    connection.port = server.port();
                    connection
                });
                NameServerConfig::new(server.ip(), true, connections.into())
            });
            let config = ResolverConfig::from_parts(None, Vec::new(), servers.collect());
            Resolver::builder_with_config(config, TokioRuntimeProvider::default())
        };
        let mut builder = builder;
        let options = builder.options_mut();
        options.timeout = LIMIT;
        options.attempts = 1;
        options.cache_size = 0;
        options.edns0 = true;
        builder.build().map(Self).map_err(|error| none(&error))
    }

    async fn ask(&self, name: &str, kind: RecordType) -> Result<Vec<RData>, NoAnswer> {
        let name = name.trim_end_matches('.');
        let failed = |what: String| NoAnswer { name: name.to_owned(), what };
        match self.0.lookup(format!("{name}."), kind).await {
            Ok(found) => Ok(found.answers().iter().map(|record| record.data.clone()).collect()),
            Err(error) if error.is_nx_domain() || error.is_no_records_found() => Ok(Vec::new()),
            Err(error) => Err(failed(error.to_string())),
        }
    }

    /// The texts of a name, each put together from its parts; empty if it has none or does not exist.
    pub async fn texts(&self, name: &str) -> Result<Vec<String>, NoAnswer> {
        let text = |data: RData| match data {
            RData::TXT(txt) => Some(String::from_utf8_lossy(&txt.txt_data.concat()).into_owned()),
            _ => None,
        };
        Ok(self.ask(name, RecordType::TXT).await?.into_iter().filter_map(text).collect())
    }

    /// The hosts that receive mail for a domain, the preferred one first; empty if there are none.
    pub async fn mail_hosts(&self, domain: &str) -> Result<Vec<String>, NoAnswer> {
        let host = |data: RData| match data {
            RData::MX(mx) => Some((mx.preference, mx.exchange.to_string().trim_end_matches('.').to_lowercase())),
            _ => None,
        };
        let mut hosts: Vec<_> = self.ask(domain, RecordType::MX).await?.into_iter().filter_map(host).collect();
        hosts.sort();
        Ok(hosts.into_iter().map(|(_, host)| host).collect())
    }
}

/// What is known about how a mailbox sends.
#[derive(Debug, Clone, Default)]
pub struct SendingDomain {
    /// The domain after the @.
    pub domain: String,
    /// The host that emails are handed to; empty = not known.
    pub smtp_host: String,
    /// What the provider is called; empty = not known.
    pub provider: String,
    /// The term of an SPF record that lets the provider send; empty = not known.
    pub spf_term: String,
    /// The DKIM selector that was entered or learnt from a test email.
    pub selector: Option<String>,
    /// Selectors that the provider uses.
    pub usual_selectors: Vec<String>,
    /// The domain is the provider's own: its owner cannot change records.
    pub is_providers: bool,
}

/// Judges SPF, DKIM and DMARC of a domain, all three at the same time.
pub async fn check_domain(names: &Names, of: &SendingDomain) -> DomainCheck {
    let (spf, dkim, dmarc) = tokio::join!(spf::check(names, of), dkim::check(names, of), dmarc::check(names, of));
    DomainCheck { domain: of.domain.clone(), spf, dkim, dmarc }
}
