//! What a product's panel shows on its Downloads tab.

use uuid::Uuid;

use super::{
    db::{self, Download},
    upload::Form,
};
use crate::{
    auth::roles::Role,
    error::Result,
    postgres::Scoped,
    products::{model::Product, rules},
    reference::gvlk::{self, Gvlk},
    requests,
    web::{
        form::Pairs,
        view::{Empty, EmptyKind, Field, Locked, When, product_path},
    },
};

/// A file in the list.
#[derive(Clone, Debug)]
pub struct DownloadRow {
    /// The id in `/downloads/{id}`.
    pub id: String,
    /// As it is saved.
    pub name: String,
    /// Language, operating system type, component, size.
    pub facts: Vec<String>,
    /// The checksum.
    pub sha256: String,
    /// The day of its release.
    pub released: Option<When>,
    /// For a link: the site it leads to.
    pub host: Option<String>,
    /// For a link whose download was begun: its address.
    pub open: Option<String>,
}

/// The form for a new file.
#[derive(Clone, Debug)]
pub struct UploadForm {
    /// Where it is sent.
    pub action: String,
    /// Its fields, the file's aside.
    pub fields: Vec<Field>,
    /// What is wrong with the file, or was with the form, so that it has to be chosen again.
    pub file_error: Option<String>,
    /// Bytes that a file may have.
    pub limit: u64,
    /// The same in words.
    pub limit_words: String,
    /// Whether it stands open.
    pub open: bool,
}

/// The tab.
#[derive(Clone, Debug)]
pub struct Downloads {
    /// The files that the person may have.
    pub rows: Vec<DownloadRow>,
    /// The published setup key of the product's edition.
    pub setup_key: Option<&'static Gvlk>,
    /// Under ended agreements alone: the last day until which releases are shown.
    pub ended: Option<When>,
    /// Files are there for others: the role that is missing.
    pub locked: Option<Locked>,
    /// What stands in place of files.
    pub empty: Empty,
    /// The form for those who look after the files.
    pub form: Option<UploadForm>,
}

/// Bytes in words: `5.1 GiB`.
pub fn bytes(size: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if size < 1024 {
        return format!("{size} bytes");
    }
    let mut unit = 0;
    let mut whole = size;
    while whole >= 1024 * 1024 && unit + 1 < UNITS.len() {
        whole /= 1024;
        unit += 1;
    }
    let tenths = whole * 10 / 1024;
    if tenths.is_multiple_of(10) || tenths >= 1000 {
        format!("{} {}", tenths / 10, UNITS[unit])
    } else {
        format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
    }
}

/// The published setup key of exactly this edition: where its whole name is one that is published, and one key stands
/// for it. A name that merely resembles one gets none.
pub fn setup_key(product: &Product) -> Option<&'static Gvlk> {
    if product.estate == "own" {
        return None;
    }
    let mut of_it = gvlk::all().iter().filter(|row| row.edition.eq_ignore_ascii_case(&product.name));
    let first = of_it.next()?;
    of_it.all(|row| row.key == first.key).then_some(first)
}

/// Reads the tab.
///
/// # Errors
/// When the database fails.
pub async fn tab(
    tx: &mut Scoped,
    product: &Product,
    query: &Pairs,
    limit: u64,
    form: Option<Form>,
) -> Result<Downloads> {
    let standing = db::standing(tx, product.id).await?;
    let today = tx.today();
    let ready = query.one("ready").parse::<Uuid>().ok();
    let rows = db::list(tx, product.id).await?.into_iter().map(|file| row(file, ready, today)).collect();
    Ok(Downloads {
        rows,
        setup_key: setup_key(product),
        ended: standing.ended_on.map(|day| When::day(day, today)),
        locked: if standing.may || rules::has_no_media(product) { None } else { Some(locked(tx, product).await?) },
        empty: empty(product, standing.keeps),
        form: standing.keeps.then(|| upload(product, form.unwrap_or_default(), limit)),
    })
}

fn row(file: Download, ready: Option<Uuid>, today: time::Date) -> DownloadRow {
    let size = file.size.map_or_else(|| "Size unknown".to_owned(), |size| bytes(size.unsigned_abs()));
    let host = file.url.as_ref().and_then(|url| Some(url::Url::parse(url).ok()?.host_str()?.to_owned()));
    DownloadRow {
        sha256: file.checksum(),
        released: file.released_on.map(|day| When::day(day, today)),
        facts: vec![file.language, file.system, file.component, size],
        open: file.url.filter(|_| ready == Some(file.id)),
        host,
        id: file.id.to_string(),
        name: file.name,
    }
}

async fn locked(tx: &mut Scoped, product: &Product) -> Result<Locked> {
    let seen = db::seen_under(tx, product.id).await?;
    Ok(requests::ask::locked(tx, Role::ProductDownloadManager, seen).await?)
}

fn empty(product: &Product, keeps: bool) -> Empty {
    if rules::has_no_media(product) {
        return Empty::new(
            EmptyKind::NothingYet,
            "Nothing to download",
            "Client access licences are held on paper: they need neither a download nor a key.",
        );
    }
    let text = if keeps {
        "Nobody has put a file or a link here yet. Add one below."
    } else {
        "Nobody has put a file or a link here yet. An Administrator of a License ID that covers it can."
    };
    Empty::new(EmptyKind::NothingYet, "This product is not available for download.", text)
}

fn upload(product: &Product, form: Form, limit: u64) -> UploadForm {
    let wrong = form.is_wrong();
    UploadForm {
        action: [&product_path(&product.slug), "/downloads"].concat(),
        fields: form.fields(),
        file_error: form
            .file_error()
            .or_else(|| wrong.then(|| "If you chose a file, choose it again: it wasn’t kept.".to_owned())),
        limit,
        limit_words: bytes(limit),
        open: wrong,
    }
}

#[cfg(test)]
impl Downloads {
    /// A file, a link, the setup key and the form with something wrong in it.
    pub fn sample() -> Self {
        let today = time::macros::date!(2026 - 11 - 22);
        let row = |name: &str, host: Option<&str>, open: Option<&str>| DownloadRow {
            id: "01936f2e-5a70-7000-8000-000000000007".into(),
            name: name.into(),
            facts: ["English", "64-bit", "ISO", "5.1 GiB"].map(str::to_owned).into(),
            sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".into(),
            released: Some(When::day(time::macros::date!(2026 - 10 - 01), today)),
            host: host.map(str::to_owned),
            open: open.map(str::to_owned),
        };
        Self {
            rows: vec![
                row("Windows 11 Pro 25H2.iso", None, None),
                row("setup.exe", Some("files.example.org"), Some("https://files.example.org/setup.exe")),
            ],
            setup_key: gvlk::of_edition("Windows 11", "Windows 11 Pro"),
            ended: Some(When::day(today, today)),
            locked: None,
            empty: Empty::new(
                EmptyKind::NothingYet,
                "This product is not available for download.",
                "Nobody has put one here.",
            ),
            form: Some(UploadForm {
                action: "/products/windows-11-pro/downloads".into(),
                fields: Form::default().fields(),
                file_error: Some("Choose a file, or give a link.".into()),
                limit: 1 << 34,
                limit_words: bytes(1 << 34),
                open: true,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(name: &str, estate: &str) -> Product {
        Product {
            id: Uuid::nil(),
            slug: "x".into(),
            name: name.into(),
            estate: estate.into(),
            category: String::new(),
            family: String::new(),
            version: String::new(),
            edition: String::new(),
            needs_key: true,
            no_key_reason: String::new(),
            usable_from: None,
        }
    }

    #[test]
    fn domain_5_a_setup_key_is_shown_for_exactly_its_edition() {
        let key = |name, estate| setup_key(&product(name, estate)).map(|row| row.key.as_str());
        assert_eq!(key("Windows 11 Pro", "vendor"), Some("W269N-WFGWX-YVC9B-4J6C9-T83GX"));
        assert_eq!(
            key("windows server 2025 datacenter", "vendor"),
            gvlk::of_edition("Windows Server 2025", "Windows Server 2025 Datacenter").map(|row| row.key.as_str())
        );
        for other in ["Windows 11", "Windows 11 Pro N2", "Windows 11 Professional", "Windows 10 ESU Year 1", ""] {
            assert_eq!(key(other, "vendor"), None, "{other}");
        }
        assert_eq!(key("Windows 11 Pro", "own"), None, "own software of that name takes no vendor’s key");
    }

    #[test]
    fn sizes_are_told_in_words() {
        let told = [5, 1024, 1536, 1_048_576, 5_476_083_302, 1 << 34, 9_437_184].map(bytes);
        assert_eq!(told, ["5 bytes", "1 KiB", "1.5 KiB", "1 MiB", "5 GiB", "16 GiB", "9 MiB"]);
    }
}
