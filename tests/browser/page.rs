//! What a person does in a browser, and waiting for what they see.

use std::{
    fmt::Debug,
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use serde_json::Value;
use thirtyfour::{By, Key, WebDriver, WebElement, error::WebDriverResult};

use super::driver::{Pair, Scripts};

/// How long something on the machine itself may take.
pub const SOON: Duration = Duration::from_secs(15);
/// How often one looks.
const OFTEN: Duration = Duration::from_millis(20);

/// A browser with one tab open on the portal.
pub struct Browser {
    pair: Pair,
    base: String,
}

/// A CSS selector, or an XPath when it begins with a slash.
fn by(selector: &str) -> By {
    if selector.starts_with('/') { By::XPath(selector) } else { By::Css(selector) }
}

impl Browser {
    /// Starts one.
    pub async fn start(base: &str, scripts: Scripts) -> Self {
        let browser = Self { pair: Pair::start(scripts).await, base: base.to_owned() };
        browser.size(1440, 900).await;
        browser
    }

    /// The session.
    pub fn driver(&self) -> &WebDriver {
        self.pair.driver.as_ref().expect("the session lasts as long as this value")
    }

    /// Looks until `look` finds something.
    pub async fn until<T>(&self, what: &str, within: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        let deadline = Instant::now() + within;
        loop {
            if let Some(found) = look().await {
                return found;
            }
            if Instant::now() > deadline {
                let seen = self.driver().find(By::Css("body")).await;
                let text = match seen {
                    Ok(body) => body.text().await.unwrap_or_default(),
                    Err(fault) => fault.to_string(),
                };
                panic!("waited {within:?} for {what} at {}; the page says:\n{text}", self.path().await);
            }
            tokio::time::sleep(OFTEN).await;
        }
    }

    /// The first element that matches and can be seen.
    pub async fn find(&self, selector: &str) -> WebElement {
        self.until(selector, SOON, async || {
            for element in self.driver().find_all(by(selector)).await.ok()? {
                if element.is_displayed().await.unwrap_or(false) {
                    return Some(element);
                }
            }
            None
        })
        .await
    }

    /// How many match, seen or not.
    pub async fn count(&self, selector: &str) -> usize {
        self.driver().find_all(by(selector)).await.unwrap().len()
    }

    /// Waits until something matches and can be seen.
    pub async fn see(&self, selector: &str) {
        self.find(selector).await;
    }

    /// Waits until nothing that matches can be seen.
    pub async fn see_no(&self, selector: &str) {
        self.until(&format!("no {selector}"), SOON, async || {
            for element in self.driver().find_all(by(selector)).await.ok()? {
                if element.is_displayed().await.unwrap_or(false) {
                    return None;
                }
            }
            Some(())
        })
        .await;
    }

    /// Clicks, once that is possible.
    pub async fn click(&self, selector: &str) {
        let mut hindered = String::new();
        let deadline = Instant::now() + SOON;
        while Instant::now() < deadline {
            for element in self.driver().find_all(by(selector)).await.unwrap_or_default() {
                if element.is_displayed().await.unwrap_or(false) {
                    match element.click().await {
                        Ok(()) => return,
                        // perhaps it lies under a head that stays in place
                        Err(fault) => {
                            hindered = fault.to_string();
                            let _ = element.scroll_into_view().await;
                        }
                    }
                }
            }
            tokio::time::sleep(OFTEN).await;
        }
        panic!("{selector} can't be clicked at {}: {hindered}", self.path().await);
    }

    /// The text of what can be seen.
    pub async fn text(&self, selector: &str) -> String {
        self.find(selector).await.text().await.unwrap()
    }

    /// The texts of all that match.
    pub async fn texts(&self, selector: &str) -> Vec<String> {
        let mut texts = Vec::new();
        for element in self.driver().find_all(by(selector)).await.unwrap() {
            texts.push(element.text().await.unwrap());
        }
        texts
    }

    /// Waits until a text is what it should be.
    pub async fn see_text(&self, selector: &str, want: impl Fn(&str) -> bool) -> String {
        self.until(&format!("the right text in {selector}"), SOON, async || {
            let element = self.driver().find(by(selector)).await.ok()?;
            element.text().await.ok().filter(|text| want(text))
        })
        .await
    }

    /// Replaces what a field holds.
    pub async fn fill(&self, selector: &str, text: &str) {
        let field = self.find(selector).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Presses keys on whatever has the focus.
    pub async fn press(&self, keys: impl AsRef<str>) {
        self.driver().action_chain().send_keys(keys.as_ref()).perform().await.unwrap();
    }

    /// Presses a key that isn't a letter.
    pub async fn press_key(&self, key: Key) {
        self.press(char::from(key).to_string()).await;
    }

    /// Opens a path of the portal.
    pub async fn open(&self, path: &str) {
        self.driver().goto(format!("{}{path}", self.base)).await.unwrap();
    }

    /// Path and query of the address.
    pub async fn path(&self) -> String {
        let url = self.driver().current_url().await.unwrap();
        match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        }
    }

    /// Waits for an address; in which order its filters stand is nobody's business.
    pub async fn at(&self, want: &str) {
        let parts = |address: &str| {
            let mut parts: Vec<String> = address.split(['?', '&']).map(str::to_owned).collect();
            parts.sort();
            parts
        };
        let want_parts = parts(want);
        self.until(&format!("the address {want}"), SOON, async || {
            (parts(&self.path().await) == want_parts).then_some(())
        })
        .await;
    }

    /// Back, as the button does it.
    pub async fn back(&self) {
        self.driver().back().await.unwrap();
    }

    /// Again, as the button does it.
    pub async fn reload(&self) {
        self.driver().refresh().await.unwrap();
    }

    /// Runs a script in the page; it may `return`.
    pub async fn js(&self, script: &str) -> Value {
        self.driver().execute(script, Vec::new()).await.unwrap().json().clone()
    }

    /// Runs a script that calls its last argument when done.
    pub async fn js_async(&self, script: &str, arguments: Vec<Value>) -> WebDriverResult<Value> {
        Ok(self.driver().execute_async(script, arguments).await?.json().clone())
    }

    /// Speaks to the browser itself.
    pub async fn devtools(&self, method: &str, parameters: Value) -> Value {
        self.driver().cdp().send_raw(method, parameters).await.unwrap()
    }

    /// The size of what is seen.
    pub async fn size(&self, width: u32, height: u32) {
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            serde_json::json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false }),
        )
        .await;
    }

    /// Waits for a download to be whole; its content. Each is taken away, so that the next is told apart.
    pub async fn downloaded(&self) -> (String, Vec<u8>) {
        let dir = self.pair.downloads.path();
        self.until("a download", SOON, async || {
            let mut files: Vec<PathBuf> =
                fs::read_dir(dir).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
            let file = files.pop().filter(|_| files.is_empty())?;
            let name = file.file_name()?.to_str()?.to_owned();
            if name.starts_with(".org.chromium") || name.ends_with(".crdownload") || name.ends_with(".tmp") {
                return None;
            }
            let bytes = fs::read(&file).ok().filter(|bytes| !bytes.is_empty())?;
            fs::remove_file(&file).ok()?;
            Some((name, bytes))
        })
        .await
    }

    /// What the browser's console complains about, but for what the journey provokes. Says nothing twice.
    pub async fn complaints(&self, provoked: &[&str]) -> Vec<String> {
        let log = self.driver().browser_log().await.unwrap();
        log.into_iter()
            .filter(|entry| entry.level == "SEVERE" || entry.level == "WARNING")
            .map(|entry| entry.message)
            .filter(|message| !provoked.iter().any(|known| message.contains(known)))
            .collect()
    }
}

/// Says both sides when they differ, a line each.
pub fn same<T: PartialEq + Debug>(what: &str, ours: &[T], theirs: &[T]) {
    if ours == theirs {
        return;
    }
    let at = ours.iter().zip(theirs).position(|(a, b)| a != b).unwrap_or(ours.len().min(theirs.len()));
    panic!(
        "{what}: {} here, {} there; first difference at {at}: {:?} / {:?}",
        ours.len(),
        theirs.len(),
        ours.get(at),
        theirs.get(at)
    );
}
