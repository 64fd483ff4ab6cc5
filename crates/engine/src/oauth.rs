//! Speaks OAuth 2.0 with Google and Microsoft: where to send people, a code for tokens, new tokens for old ones.
//!
//! Authorization code with PKCE (S256, RFC 7636), through the crate `oauth2` over [`crate::http::Http`]. What an answer
//! means is said by `domain::mail_provider`; nothing is stored here.

use crate::{
    EngineError,
    http::{Http, HttpError},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use futures::future::BoxFuture;
use oauth2::{
    AsyncHttpClient, AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet,
    EndpointSet, ExtraTokenFields, HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl,
    RefreshToken, RequestTokenError, Scope, StandardRevocableToken, StandardTokenResponse, TokenResponse, TokenUrl,
    basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType},
};
use relance_domain::mail_provider::{Endpoints, MailProvider};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// Access tokens of providers that do not say how long they last: an hour, in seconds.
const USUAL_SECONDS: u64 = 3_600;

/// The one field of OpenID Connect that is read.
#[derive(Clone, Deserialize, Serialize)]
struct WithIdToken {
    #[serde(default)]
    id_token: Option<String>,
}

impl std::fmt::Debug for WithIdToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WithIdToken")
    }
}

impl ExtraTokenFields for WithIdToken {}

type Answer = StandardTokenResponse<WithIdToken, BasicTokenType>;
type Client = oauth2::Client<
    BasicErrorResponse,
    Answer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = HttpError;
    type Future = BoxFuture<'c, Result<HttpResponse, HttpError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

/// This installation at a provider.
#[derive(Debug, Clone)]
pub(crate) struct OauthClient {
    pub provider: MailProvider,
    pub client_id: String,
    pub client_secret: SecretString,
    pub endpoints: Endpoints,
    pub redirect_url: String,
}

/// What a provider gave.
#[derive(Debug, Clone)]
pub(crate) struct Granted {
    pub access_token: SecretString,
    /// `None` = the one before stays good.
    pub refresh_token: Option<SecretString>,
    /// How long the access token lasts, in ms.
    pub lasts_ms: i64,
    /// What was given; `None` = what was asked for.
    pub scopes: Option<Vec<String>>,
    /// Whose mailbox; `None` = the provider did not say.
    pub address: Option<String>,
}

/// Why a provider gave nothing.
#[derive(Debug, Clone)]
pub(crate) enum TokenError {
    /// It said no.
    Refused {
        /// Its code, such as `invalid_grant`.
        code: String,
        /// Its words; may be empty.
        words: String,
    },
    /// It could not be asked, or gave an answer that is none.
    Unreachable(String),
}

impl OauthClient {
    fn client(&self) -> Result<Client, EngineError> {
        let wrong = |error: oauth2::url::ParseError| {
            EngineError::Corrupt(format!("an address of {} is none: {error}", self.provider.name()))
        };
        let client = oauth2::Client::new(ClientId::new(self.client_id.clone()))
            .set_client_secret(ClientSecret::new(self.client_secret.expose_secret().to_owned()))
            // Both providers describe the secret in the body.
            .set_auth_type(AuthType::RequestBody)
            .set_auth_uri(AuthUrl::new(self.endpoints.authorize_url.clone()).map_err(wrong)?)
            .set_token_uri(TokenUrl::new(self.endpoints.token_url.clone()).map_err(wrong)?)
            .set_redirect_uri(RedirectUrl::new(self.redirect_url.clone()).map_err(wrong)?);
        Ok(client)
    }

    /// Where to send someone, and the verifier that proves later that it was us. `address` = the mailbox it is about.
    pub fn page_of_permission(
        &self,
        state: &SecretString,
        address: Option<&str>,
    ) -> Result<(String, SecretString), EngineError> {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let client = self.client()?;
        let scopes = self.provider.mail_scopes().iter().chain(self.provider.other_scopes());
        let mut request = client
            .authorize_url(|| CsrfToken::new(state.expose_secret().to_owned()))
            .add_scopes(scopes.map(|scope| Scope::new((*scope).to_owned())))
            .set_pkce_challenge(challenge);
        for (name, value) in self.provider.hints() {
            request = request.add_extra_param(*name, *value);
        }
        if let Some(address) = address {
            request = request.add_extra_param("login_hint", address.to_owned());
        }
        let (url, _) = request.url();
        Ok((url.to_string(), SecretString::from(verifier.secret().clone())))
    }

    /// Tokens for the code somebody came back with.
    pub fn exchange<'a>(
        &'a self,
        http: &'a Http,
        code: &'a SecretString,
        verifier: &'a SecretString,
    ) -> BoxFuture<'a, Result<Granted, TokenError>> {
        Box::pin(async move {
            let client = self.client().map_err(|error| TokenError::Unreachable(error.to_string()))?;
            let answer = client
                .exchange_code(AuthorizationCode::new(code.expose_secret().to_owned()))
                .set_pkce_verifier(PkceCodeVerifier::new(verifier.expose_secret().to_owned()))
                .request_async(http)
                .await;
            answer.map(|answer| self.granted(&answer)).map_err(token_error)
        })
    }

    /// New tokens for a refresh token.
    pub fn refresh<'a>(
        &'a self,
        http: &'a Http,
        refresh_token: &'a SecretString,
    ) -> BoxFuture<'a, Result<Granted, TokenError>> {
        Box::pin(async move {
            let client = self.client().map_err(|error| TokenError::Unreachable(error.to_string()))?;
            let token = RefreshToken::new(refresh_token.expose_secret().to_owned());
            let answer = client.exchange_refresh_token(&token).request_async(http).await;
            answer.map(|answer| self.granted(&answer)).map_err(token_error)
        })
    }

    fn granted(&self, answer: &Answer) -> Granted {
        let secret = |text: &String| SecretString::from(text.clone());
        let seconds = answer.expires_in().map_or(USUAL_SECONDS, |lasts| lasts.as_secs());
        let id_token = answer.extra_fields().id_token.as_deref();
        Granted {
            access_token: secret(answer.access_token().secret()),
            refresh_token: answer.refresh_token().map(|token| secret(token.secret())),
            lasts_ms: i64::try_from(seconds).unwrap_or(i64::MAX / 1_000).saturating_mul(1_000),
            scopes: answer.scopes().map(|scopes| scopes.iter().map(|scope| scope.as_str().to_owned()).collect()),
            address: id_token.and_then(|token| address_of(token, &self.client_id)),
        }
    }
}

fn token_error(error: RequestTokenError<HttpError, BasicErrorResponse>) -> TokenError {
    match error {
        RequestTokenError::ServerResponse(answer) => TokenError::Refused {
            code: answer.error().as_ref().to_owned(),
            words: answer.error_description().map(|words| words.chars().take(300).collect()).unwrap_or_default(),
        },
        RequestTokenError::Request(error) => TokenError::Unreachable(error.to_string()),
        // The body may hold tokens: it is shown nowhere.
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            TokenError::Unreachable("its answer made no sense".to_owned())
        }
    }
}

#[derive(Deserialize)]
struct Claims {
    aud: String,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    preferred_username: Option<String>,
}

/// Whose mailbox an id token speaks of. It came from the token endpoint itself over TLS, which stands for its signature
/// (OpenID Connect Core §3.1.3.7, 6); it must be for us.
fn address_of(id_token: &str, client_id: &str) -> Option<String> {
    let claims = URL_SAFE_NO_PAD.decode(id_token.split('.').nth(1)?.trim_end_matches('=')).ok()?;
    let claims: Claims = serde_json::from_slice(&claims).ok()?;
    let named = claims.email.or(claims.preferred_username).filter(|name| name.contains('@'));
    named.filter(|_| claims.aud == client_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use relance_domain::mail_provider::Elsewhere;

    fn client(provider: MailProvider) -> OauthClient {
        OauthClient {
            provider,
            client_id: "our-id".to_owned(),
            client_secret: SecretString::from("our secret"),
            endpoints: provider.endpoints("common", &Elsewhere::default()),
            redirect_url: "https://relance.test/mailboxes/oauth/callback".to_owned(),
        }
    }

    #[test]
    fn people_are_sent_with_a_state_a_challenge_and_no_secret() {
        for provider in MailProvider::ALL {
            let state = SecretString::from("the-state");
            let (url, verifier) = client(provider).page_of_permission(&state, Some("a@b.test")).expect("an address");
            for part in ["state=the-state", "code_challenge_method=S256", "login_hint=a%40b.test", "response_type=code"]
            {
                assert!(url.contains(part), "{part}: {url}");
            }
            assert!(!url.contains("secret") && !url.contains(verifier.expose_secret()), "{url}");
            assert!(url.starts_with("https://"), "{url}");
        }
    }

    #[test]
    fn an_id_token_for_somebody_else_names_nobody() {
        let token = |claims: &str| format!("e30.{}.x", URL_SAFE_NO_PAD.encode(claims));
        assert_eq!(address_of(&token(r#"{"aud":"our-id","email":"a@b.test"}"#), "our-id").as_deref(), Some("a@b.test"));
        let microsoft = token(r#"{"aud":"our-id","preferred_username":"a@b.test"}"#);
        assert_eq!(address_of(&microsoft, "our-id").as_deref(), Some("a@b.test"));
        assert_eq!(address_of(&token(r#"{"aud":"other","email":"a@b.test"}"#), "our-id"), None);
        assert_eq!(address_of("nonsense", "our-id"), None);
        assert!(!format!("{:?}", client(MailProvider::Google)).contains("our secret"));
    }
}
