//! One Maildir folder: tmp/, new/ and cur/, with file names that begin with a rising position.
//!
//! Blocking; the caller moves it off the async threads. What a function wrote is durable when it returns.

use crate::{Fault, Stage};
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

const DIGITS: usize = 20;

#[derive(Debug, Clone)]
pub(super) struct Folder {
    path: PathBuf,
}

/// The position a file name begins with.
pub(super) fn position(name: &str) -> Option<u64> {
    let digits = name.get(..DIGITS).filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?;
    digits.parse().ok()
}

pub(super) fn trouble(path: &Path, error: &std::io::Error) -> Fault {
    Fault::Io(format!("{}: {error}", path.display()))
}

fn sync(dir: &Path) -> Result<(), Fault> {
    File::open(dir).and_then(|d| d.sync_all()).map_err(|e| trouble(dir, &e))
}

impl Folder {
    pub(super) fn open(path: PathBuf) -> Result<Folder, Fault> {
        for part in ["tmp", "new", "cur"] {
            let dir = path.join(part);
            fs::create_dir_all(&dir).map_err(|e| trouble(&dir, &e))?;
        }
        Ok(Folder { path })
    }

    /// The last position given away, also when its message was deleted since.
    pub(super) fn last(&self) -> Result<u64, Fault> {
        let counter = self.path.join("position");
        match fs::read_to_string(&counter) {
            Ok(text) => text.trim().parse().map_or_else(|_| self.highest(), Ok),
            Err(error) if error.kind() == ErrorKind::NotFound => self.highest(),
            Err(error) => Err(trouble(&counter, &error)),
        }
    }

    fn highest(&self) -> Result<u64, Fault> {
        Ok(self.names()?.iter().filter_map(|name| position(name)).max().unwrap_or(0))
    }

    /// Moves a written file into new/ under the next position, also against other processes.
    fn place(&self, file: &Path, mark: &str) -> Result<(u64, String), Fault> {
        let counter = self.path.join("position");
        let failed = |e| trouble(&counter, &e);
        let mut options = OpenOptions::new();
        let mut held = options.write(true).create(true).truncate(false).open(&counter).map_err(failed)?;
        // Let go of when the file is closed, also by a crash.
        held.lock().map_err(failed)?;
        let next = self.last()? + 1;
        // Always the same width, so an interrupted write can't leave half a number.
        held.write_all(format!("{next:0DIGITS$}\n").as_bytes()).and_then(|()| held.sync_all()).map_err(failed)?;
        let name = format!("{next:0DIGITS$}{mark}");
        let target = self.path.join("new").join(&name);
        fs::rename(file, &target).map_err(|e| trouble(&target, &e))?;
        Ok((next, name))
    }

    /// The names in new/ and cur/, in no order.
    pub(super) fn names(&self) -> Result<Vec<String>, Fault> {
        let mut names = Vec::new();
        for part in ["new", "cur"] {
            let dir = self.path.join(part);
            for entry in fs::read_dir(&dir).map_err(|e| trouble(&dir, &e))? {
                let entry = entry.map_err(|e| trouble(&dir, &e))?;
                if let Ok(name) = entry.file_name().into_string()
                    && position(&name).is_some()
                {
                    names.push(name);
                }
            }
        }
        Ok(names)
    }

    /// Writes and syncs a file under tmp/.
    pub(super) fn write(&self, bytes: &[u8]) -> Result<PathBuf, Fault> {
        let path = self.path.join("tmp").join(uuid::Uuid::new_v4().simple().to_string());
        let written = OpenOptions::new().write(true).create_new(true).open(&path).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
        written.map_err(|e| trouble(&path, &e))?;
        Ok(path)
    }

    /// Gives a written file the next position of all.
    pub(super) fn append(&self, file: &Path) -> Result<u64, Fault> {
        let (position, _) = self.place(file, "")?;
        sync(&self.path.join("new"))?;
        Ok(position)
    }

    /// Moves a written file into new/ and returns its name there, which holds `mark`.
    pub(super) fn hand_over(&self, file: &Path, mark: &str) -> Result<String, Fault> {
        // Before the rename nothing was handed over, and that is certain.
        let (_, name) = self.place(file, &format!(".{mark}")).map_err(|_| Fault::Cut { at: Stage::Body })?;
        sync(&self.path.join("new"))?;
        Ok(name)
    }

    /// The bytes of a message, or `None` when there is none of this name.
    pub(super) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Fault> {
        if position(name).is_none()
            || !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b',' | b':'))
        {
            return Ok(None);
        }
        for part in ["new", "cur"] {
            let path = self.path.join(part).join(name);
            match fs::read(&path) {
                Ok(bytes) => return Ok(Some(bytes)),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(trouble(&path, &error)),
            }
        }
        Ok(None)
    }
}
