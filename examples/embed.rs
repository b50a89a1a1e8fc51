//! Own software that looks after its own activation: it begins in its initial grace, is activated by a key if
//! one is given and else by count, renews in the background, and says so when it isn't activated any more.
//!
//!     cargo run --example embed -- APPLICATION SKU HOST[:PORT] [KEY]

use keyward::agent::{Agent, Product, Standing};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [application, sku, host, key @ ..] = &args[..] else {
        return Err("give APPLICATION, SKU and HOST, and a KEY if there is one".into());
    };
    let product = Product { application: application.parse()?, sku: sku.parse()? };
    let agent = Agent::new(std::env::temp_dir().join("keyward-embed.json")).of(product);
    agent.set_host(Some(host.parse()?)).await?;
    if let [key, ..] = key {
        agent.install_key(key).await?;
    }

    // Once at the start, whoever waits for it; a refusal is no reason to stop within the grace.
    match agent.activate().await {
        Ok(asked) => println!("{}: {}", asked.answer.result.code(), asked.answer.message),
        Err(trouble) => println!("{trouble}"),
    }
    let ending = CancellationToken::new();
    let renewing = tokio::spawn({
        let (agent, ending) = (agent.clone(), ending.clone());
        async move { agent.run(ending).await }
    });

    // Whenever the software wants to know: from the state file, without any connection.
    match agent.standing()? {
        Standing::Notification => println!("This copy isn't activated. Ask whoever looks after licences."),
        standing => println!("{}, until {:?}", standing.name(), standing.until()),
    }

    ending.cancel();
    renewing.await??;
    Ok(())
}
