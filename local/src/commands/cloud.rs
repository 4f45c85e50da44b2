//! Which cloud a command is about.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;

use super::DATA;
use crate::{Home, HomeError, StageName};

/// Options of every command that looks at jobs: where they are.
#[derive(Debug, Args)]
pub struct Where {
    /// Folder that keeps everything.
    #[arg(long, global = true, default_value = DATA)]
    data: PathBuf,
    /// A deployed stage instead, such as dev: of the AWS account and region that the environment names.
    #[arg(long, global = true, value_name = "NAME", conflicts_with = "data")]
    stage: Option<StageName>,
}

impl Where {
    /// The cloud that is there. Of a stage it is told which account it is in, beside the output.
    ///
    /// # Errors
    /// [`HomeError`]; a folder in which nothing was ever started is one.
    pub async fn look(&self) -> Result<Home, HomeError> {
        let Some(stage) = &self.stage else { return Home::look(&self.data).await };
        let home = Home::deployed(stage).await?;
        let (account, region) = (home.names().account(), home.names().region());
        eprintln!("stage {stage} of account {account} in {region}");
        Ok(home)
    }

    /// As [`Where::look`]; a folder in which nothing was ever started is started.
    ///
    /// # Errors
    /// [`HomeError`].
    pub async fn look_or_start(&self) -> Result<Home, HomeError> {
        match self.look().await {
            Err(HomeError::Empty(data)) => Home::start(&data, None, &[]).await,
            found => found,
        }
    }
}

/// As somebody would type it after a command: with a space in front, if it has to be typed at all.
impl fmt::Display for Where {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.stage {
            Some(stage) => write!(f, " --stage {stage}"),
            None if self.data == Path::new(DATA) => Ok(()),
            None => write!(f, " --data {}", self.data.display()),
        }
    }
}
