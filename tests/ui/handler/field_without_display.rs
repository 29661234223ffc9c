use seaworthy::prelude::*;

#[handler(fields(names))]
async fn hello(Json(names): Json<Vec<String>>) -> String {
    names.join(", ")
}

fn main() {}
