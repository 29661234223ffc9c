use std::{net::SocketAddr, time::Duration};

use seaworthy::prelude::*;

/// Settings of the greeter.
#[derive(Debug)]
pub struct Config {
    /// How the greeting starts.
    pub greeting: String,
    /// Where sessions are kept.
    pub redis_url: Secret<Url>,
    patience: Duration,
    database: Database,
}

impl ::seaworthy::Config for Config {
    const VARIABLES: &'static [::seaworthy::config::Variable] = &[
        ::seaworthy::config::Variable::new::<
            String,
        >("GREETER_GREETING", "How the greeting starts.")
            .default("Hello"),
        ::seaworthy::config::Variable::new::<
            Secret<Url>,
        >("GREETER_REDIS_URL", "Where sessions are kept."),
        ::seaworthy::config::Variable::new::<Duration>("GREETER_PATIENCE", "")
            .default_value(|| ::seaworthy::config::Value::new::<
                Duration,
            >(Duration::from_secs(3))),
        ::seaworthy::config::Variable::nested::<Database>("GREETER_DB_"),
    ];
    const PREFIX: &'static str = "GREETER_";
    fn build(values: &mut ::seaworthy::config::Values) -> Self {
        Self {
            greeting: values.take("GREETER_GREETING"),
            redis_url: values.take("GREETER_REDIS_URL"),
            patience: values.take("GREETER_PATIENCE"),
            database: values.nested("GREETER_DB_"),
        }
    }
}

const _: () = ::seaworthy::__private::check_variables::<Config>();

#[derive(Debug)]
pub struct Database {
    /// Where the database listens.
    address: Option<SocketAddr>,
    #[cfg(unix)]
    limit: u16,
    queries: Vec<String>,
}

impl ::seaworthy::Config for Database {
    const VARIABLES: &'static [::seaworthy::config::Variable] = &[
        ::seaworthy::config::Variable::new::<
            Option<SocketAddr>,
        >("DATABASE_ADDRESS", "Where the database listens.")
            .default("127.0.0.1:5432"),
        #[cfg(unix)]
        ::seaworthy::config::Variable::new::<u16>("LIMIT", "").default("10000"),
    ];
    fn build(values: &mut ::seaworthy::config::Values) -> Self {
        Self {
            address: values.take("DATABASE_ADDRESS"),
            #[cfg(unix)]
            limit: values.take("LIMIT"),
            queries: ::std::default::Default::default(),
        }
    }
}
