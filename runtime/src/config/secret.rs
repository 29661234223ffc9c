//! Values that are never shown.

use std::{fmt, marker::PhantomData, mem, path::Path};

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, SeqAccess},
};
use url::Url;
use zeroize::Zeroize;

use super::{
    kind, source,
    text::{self, Invalid, Text},
};
use crate::Error;

/// By this name [`Secret`] announces itself to the deserializer of a variable's text.
pub(crate) const NAME: &str = "$seaworthy::Secret";

/// A value that is never shown: a password, a token, a URL with credentials.
///
/// `Debug` prints `***`, reports of invalid configuration say that the value is not shown, and it is wiped from memory
/// when it is dropped. Call [`expose`](Self::expose) where the value itself is needed.
///
/// ```
/// use seaworthy::Secret;
///
/// let password = Secret::from("hunter2".to_owned());
/// assert_eq!(format!("{password:?}"), "***");
/// assert_eq!(password.expose(), "hunter2");
/// ```
///
/// It can't be printed by mistake:
///
/// ```compile_fail,E0277
/// let password = seaworthy::Secret::from("hunter2".to_owned());
/// println!("{password}");
/// ```
///
/// And it can't be part of what is serialized:
///
/// ```compile_fail,E0277
/// fn serialize<T: seaworthy::serde::Serialize>(_: T) {}
/// serialize(seaworthy::Secret::from("hunter2".to_owned()));
/// ```
///
/// What it can't protect: the environment block of the process (`/proc/<pid>/environ`), which keeps the text for as
/// long as the process runs; the copies that were made while it was read; and what is done with the value after
/// `expose`. A mounted secret, named by `NAME_FILE`, at least stays out of the environment and of `kubectl describe`.
pub struct Secret<T: Wipe> {
    value: T,
    /// The variable that it was read from, if it was.
    variable: Option<Box<str>>,
    /// The file that it was read from, if it was.
    file: Option<Box<Path>>,
}

/// A value whose memory can be overwritten, so that it can be kept in a [`Secret`].
///
/// Implemented for `String`, `Vec<u8>`, byte arrays, `Url`, and an `Option`, a `Box` or a `Vec` of these.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be wiped, so it can't be a secret",
    label = "`Secret` holds text, bytes or a URL",
    note = "help: use `Secret<String>` or `Secret<Url>`, or implement `Wipe` for `{Self}`"
)]
pub trait Wipe {
    /// Overwrites the value. What is left is valid, and says nothing of what was there.
    fn wipe(&mut self);
}

// === impl Secret ===

impl<T: Wipe> Secret<T> {
    /// The value itself. Whatever is done with it from here is no longer protected.
    pub fn expose(&self) -> &T {
        &self.value
    }

    /// The value as it is now: a mounted secret, named by `NAME_FILE`, is read from its file again, which Kubernetes
    /// replaces when the Secret changes. One that came from elsewhere can't change while the process runs, and is given
    /// as it is.
    ///
    /// For what opens connections: a password that was rotated is then used by the next one. Blocks for as long as it
    /// takes to read a small file; of more than 1 MiB none is read.
    ///
    /// ```
    /// use seaworthy::{Secret, config::{self, Environment}, prelude::*};
    ///
    /// #[config(env)]
    /// struct Config {
    ///     /// The password of the mail server.
    ///     password: Secret<String>,
    /// }
    ///
    /// let file = std::env::temp_dir().join(format!("password-{}", std::process::id()));
    /// std::fs::write(&file, "first\n")?;
    /// let environment = Environment::from_iter([("PASSWORD_FILE", file.to_str().unwrap())]);
    /// let config: Config = config::read(&environment)?;
    /// std::fs::write(&file, "second\n")?;
    /// assert_eq!(config.password.expose(), "first");
    /// assert_eq!(config.password.reload()?.expose(), "second");
    /// # std::fs::remove_file(file)?;
    /// # Ok::<(), seaworthy::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Says what is wrong with the file, or that what it holds is not of this type. The text itself is not shown.
    pub fn reload(&self) -> Result<Self, Error>
    where
        T: Clone + DeserializeOwned,
    {
        let Some(file) = &self.file else { return Ok(self.clone()) };
        let problem = |what: &str| Error::failed(format!("the secret in {} can't be used: {what}", file.display()));
        let mut text = source::read(file).map_err(|unreadable| problem(&unreadable.title))?;
        let value = match text.is_empty() {
            true => Err(problem("its file is empty")),
            false => text::parse(Some(&text))
                .map_err(|_: Invalid| problem(&format!("it is not {}", kind::describe::<T>().kind.with_article()))),
        };
        text.zeroize();
        Ok(Self { value: value?, variable: self.variable.clone(), file: Some(file.clone()) })
    }

    /// Whether it was read from a file, so that [`reload`](Self::reload) may find another value.
    #[cfg(feature = "postgres")]
    pub(crate) fn is_mounted(&self) -> bool {
        self.file.is_some()
    }

    /// The whole name of the variable that it was read from, if it was: for errors of who uses it.
    #[cfg(any(test, feature = "postgres", feature = "redis"))]
    pub(crate) fn variable(&self) -> Option<&str> {
        self.variable.as_deref()
    }
}

impl<T: Wipe> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self { value, variable: None, file: None }
    }
}

impl<T: Wipe + Clone> Clone for Secret<T> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), variable: self.variable.clone(), file: self.file.clone() }
    }
}

impl<T: Wipe> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<T: Wipe> Drop for Secret<T> {
    fn drop(&mut self) {
        self.value.wipe();
    }
}

impl<'de, T: Wipe + Deserialize<'de>> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T>(PhantomData<T>);

        impl<'de, T: Wipe + Deserialize<'de>> de::Visitor<'de> for Visitor<T> {
            type Value = Secret<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a secret")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Secret<T>, D::Error> {
                T::deserialize(deserializer).map(Secret::from)
            }

            /// What [`WithOrigin`] gives.
            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Secret<T>, A::Error> {
                let value = parts.next_element()?.ok_or_else(|| de::Error::invalid_length(0, &self))?;
                Ok(Secret { value, variable: parts.next_element()?, file: parts.next_element()? })
            }
        }

        deserializer.deserialize_newtype_struct(NAME, Visitor(PhantomData))
    }
}

// === impl WithOrigin ===

/// A secret's text, the variable that it was read from, and the path of the file.
pub(super) struct WithOrigin<'de> {
    text: Option<Text<'de>>,
    variable: Option<&'de str>,
    file: Option<&'de Path>,
}

impl<'de> WithOrigin<'de> {
    pub(super) fn new(text: Text<'de>, variable: &'de str, file: Option<&'de Path>) -> Self {
        Self { text: Some(text), variable: Some(variable), file }
    }
}

impl<'de> SeqAccess<'de> for WithOrigin<'de> {
    type Error = Invalid;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Invalid> {
        if let Some(text) = self.text.take() {
            return seed.deserialize(text).map(Some);
        }
        let next = self.variable.take().or_else(|| self.file.take().and_then(Path::to_str));
        next.map(|text| seed.deserialize(IntoDeserializer::<Invalid>::into_deserializer(text))).transpose()
    }
}

// === impl Wipe ===

impl Wipe for String {
    fn wipe(&mut self) {
        self.zeroize();
    }
}

impl Wipe for u8 {
    fn wipe(&mut self) {
        self.zeroize();
    }
}

impl Wipe for Url {
    fn wipe(&mut self) {
        let blank = Url::parse("wiped:").expect("a scheme alone is a URL");
        String::from(mem::replace(self, blank)).zeroize();
    }
}

impl<T: Wipe, const N: usize> Wipe for [T; N] {
    fn wipe(&mut self) {
        self.iter_mut().for_each(T::wipe);
    }
}

impl<T: Wipe> Wipe for Vec<T> {
    fn wipe(&mut self) {
        self.iter_mut().for_each(T::wipe);
        self.clear();
    }
}

impl<T: Wipe> Wipe for Option<T> {
    fn wipe(&mut self) {
        if let Some(value) = self {
            value.wipe();
        }
        *self = None;
    }
}

impl<T: Wipe + ?Sized> Wipe for Box<T> {
    fn wipe(&mut self) {
        (**self).wipe();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        rc::Rc,
        sync::atomic::{AtomicBool, Ordering},
    };

    use super::*;
    use crate::config::text::Origin;

    #[derive(Debug)]
    struct Config {
        _password: Secret<String>,
        _more: Option<Secret<Url>>,
    }

    #[test]
    fn debug_of_what_holds_it_shows_nothing() {
        let config = Config {
            _password: Secret::from("hunter2".to_owned()),
            _more: Some(Secret::from(Url::parse("redis://:hunter2@cache").unwrap())),
        };
        assert_eq!(format!("{config:?}"), "Config { _password: ***, _more: Some(***) }");
    }

    #[test]
    fn it_is_wiped_when_it_is_dropped() {
        struct Flag(Rc<AtomicBool>);

        impl Wipe for Flag {
            fn wipe(&mut self) {
                self.0.store(true, Ordering::Relaxed);
            }
        }

        let wiped = Rc::new(AtomicBool::new(false));
        drop(Secret::from(Flag(wiped.clone())));
        assert!(wiped.load(Ordering::Relaxed));
    }

    #[test]
    fn each_type_is_wiped() {
        let mut text = "hunter2".to_owned();
        text.wipe();
        assert_eq!(text, "");
        let mut bytes = [7_u8; 4];
        bytes.wipe();
        assert_eq!(bytes, [0; 4]);
        let mut url = Some(Url::parse("redis://:hunter2@cache").unwrap());
        url.as_mut().unwrap().wipe();
        assert_eq!(url.as_ref().unwrap().as_str(), "wiped:");
        url.wipe();
        assert_eq!(url, None);
        let mut list = vec!["a".to_owned()];
        list.wipe();
        assert!(list.is_empty());
    }

    #[test]
    fn what_was_mounted_is_read_again() {
        let file = std::env::temp_dir().join(format!("seaworthy-secret-{}", std::process::id()));
        let path = file.to_str().unwrap();
        std::fs::write(&file, "redis://:first@cache\n").unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        let origin = Origin { variable: Some("CACHE_URL"), file: Some(&file) };
        let secret: Option<Secret<Url>> = text::parse_from(origin, Some(text.trim_end())).unwrap();
        let secret = secret.unwrap();
        assert_eq!(secret.expose().password(), Some("first"));

        std::fs::write(&file, "redis://:second@cache").unwrap();
        let again = secret.reload().unwrap();
        assert_eq!(again.expose().password(), Some("second"));
        assert_eq!(again.variable(), Some("CACHE_URL"));
        std::fs::write(&file, "redis://:third@cache").unwrap();
        assert_eq!(again.clone().reload().unwrap().expose().password(), Some("third"));

        let problem = || secret.reload().unwrap_err().to_string();
        std::fs::write(&file, "hunter2").unwrap();
        assert_eq!(problem(), format!("the secret in {path} can't be used: it is not a URL"));
        std::fs::write(&file, "\n").unwrap();
        assert_eq!(problem(), format!("the secret in {path} can't be used: its file is empty"));
        std::fs::remove_file(&file).unwrap();
        assert_eq!(problem(), format!("the secret in {path} can't be used: its file does not exist"));
    }

    #[test]
    fn what_came_from_elsewhere_stays_as_it_is() {
        let origin = Origin { variable: Some("PASSWORD"), file: None };
        let secret: Secret<String> = text::parse_from(origin, Some("hunter2")).unwrap();
        assert_eq!(secret.variable(), Some("PASSWORD"));
        assert_eq!(secret.reload().unwrap().expose(), "hunter2");
        assert_eq!(Secret::from("hunter2".to_owned()).variable(), None);
    }

    #[test]
    fn other_formats_read_the_value_inside() {
        let secret: Secret<String> = serde_json::from_str("\"hunter2\"").unwrap();
        assert_eq!(secret.expose(), "hunter2");
    }
}
