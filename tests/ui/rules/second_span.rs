use seaworthy::prelude::*;

#[handler]
#[tracing::instrument]
async fn mistake() {}

#[handler]
#[::seaworthy::tracing::instrument(skip_all)]
async fn by_another_path() {}

mod inside {
    use seaworthy::prelude::*;
    #[allow(unused_imports)]
    use tracing::instrument;

    #[handler]
    #[instrument]
    pub(crate) async fn imported() {}
}

#[tracing::instrument]
#[handler]
async fn above() {}

fn main() {
    _ = (mistake(), by_another_path(), inside::imported(), above());
}
