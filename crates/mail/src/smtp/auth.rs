//! Signing in to a submission server: PLAIN or LOGIN with a password, XOAUTH2 with an access token.

use super::Connection;
use crate::server::Credential;
use crate::{Fault, Reply, Server, Stage, sasl};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use secrecy::ExposeSecret;

impl Connection {
    pub(super) async fn authenticate(&mut self, server: &Server) -> Result<(), Fault> {
        match &server.credential {
            Credential::Password(password) => {
                let reply = self.send_password(&server.username, password.expose_secret()).await?;
                answer(reply, |reply| Fault::AuthRejected { reply })
            }
            Credential::AccessToken(token) => self.send_token(&server.username, token.expose_secret()).await,
        }
    }

    fn offers(&self, name: &str) -> bool {
        self.extensions.auth.iter().any(|mechanism| mechanism == name)
    }

    async fn send_password(&mut self, user: &str, password: &str) -> Result<Reply, Fault> {
        if self.offers("PLAIN") {
            if user.contains('\0') || password.contains('\0') {
                return Err(Fault::AuthRejected { reply: "user name or password contain a NUL".into() });
            }
            let token = BASE64.encode(format!("\0{user}\0{password}"));
            return self.ask(&format!("AUTH PLAIN {token}\r\n"), Stage::Auth).await;
        }
        if !self.offers("LOGIN") {
            return Err(Fault::AuthMechanismMissing);
        }
        let mut reply = self.ask("AUTH LOGIN\r\n", Stage::Auth).await?;
        for word in [user, password] {
            if reply.code == 334 {
                reply = self.ask(&format!("{}\r\n", BASE64.encode(word)), Stage::Auth).await?;
            }
        }
        Ok(reply)
    }

    /// XOAUTH2: a no comes as a challenge with its reasons, which an empty line answers.
    async fn send_token(&mut self, user: &str, token: &str) -> Result<(), Fault> {
        if !self.offers("XOAUTH2") {
            return Err(Fault::AuthMechanismMissing);
        }
        let message = sasl::xoauth2(user, token)?;
        let mut reply = self.ask(&format!("AUTH XOAUTH2 {message}\r\n"), Stage::Auth).await?;
        let mut reasons = String::new();
        if reply.code == 334 {
            reasons = sasl::reasons(&reply.text);
            reply = self.ask("\r\n", Stage::Auth).await?;
        }
        answer(reply, |reply| sasl::refused(&reply, &reasons))
    }
}

fn answer(reply: Reply, rejected: impl FnOnce(String) -> Fault) -> Result<(), Fault> {
    match reply.code {
        235 => Ok(()),
        504 => Err(Fault::AuthMechanismMissing),
        500..600 => Err(rejected(reply.to_string())),
        _ => Err(Fault::Reply { reply, at: Stage::Auth }),
    }
}
