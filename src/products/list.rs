//! `/products`: every product that the person's License IDs cover.
use askama::Template;

use super::panel::{ProductPanel, ProductTab};
use crate::keys::model::Standing;
use crate::web::page::Shell;
use crate::web::view::{Address, Archived, Chip, Columns, Empty, Export, Offered, Pager, number};

/// A category to filter by.
#[derive(Clone, Debug)]
pub struct Category {
    /// Its name; "All" for none.
    pub label: String,
    /// The list filtered by it.
    pub href: String,
    /// How many products it holds.
    pub count: u64,
    /// Whether it is the active filter.
    pub current: bool,
}

impl Category {
    fn count_text(&self) -> String {
        number(self.count)
    }
}

/// What the list has to show of a product.
pub const COLUMNS: [Offered; 4] = [
    Offered::new("name", "Product").sorts(),
    Offered::new("category", "Category").sorts().gives_way("less"),
    Offered::new("license_ids", "License IDs").sorts().numeric(),
    Offered::new("keys", "Keys").sorts().numeric(),
];

/// A product in the list.
#[derive(Clone, Debug)]
pub struct ProductRow {
    /// Its slug.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Its panel, with the list behind it as it is.
    pub href: String,
    /// Its category.
    pub category: String,
    /// Under how many License IDs the person sees it.
    pub license_ids: u64,
    /// How many keys of it the person may see.
    pub keys: u64,
    /// Whether it needs a key at all.
    pub needs_key: bool,
}

impl ProductRow {
    fn license_ids_text(&self) -> String {
        number(self.license_ids)
    }

    fn keys_text(&self) -> String {
        number(self.keys)
    }
}

/// The list, with a panel open or not.
#[derive(Template)]
#[template(path = "products/list.html")]
pub struct ProductsPage {
    /// The frame.
    pub shell: Shell,
    /// The list's address: `q`, `category`, `archived`, `sort`, `page`, `columns`, under the path `/products`.
    pub address: Address,
    /// Which columns are shown.
    pub columns: Columns,
    /// What was searched.
    pub q: String,
    /// The categories, "All" first.
    pub categories: Vec<Category>,
    /// What the keys are narrowed to, and how many they are together.
    pub standing: Option<(Standing, u64)>,
    /// The products on this page.
    pub rows: Vec<ProductRow>,
    /// Which page.
    pub pager: Pager,
    /// "Export all keys"; `None` for a person who may not.
    pub export: Option<Export>,
    /// What to show when there is no row.
    pub empty: Empty,
    /// Those that rest in the archive.
    pub archived: Archived,
    /// The product whose panel is open.
    pub panel: Option<ProductPanel>,
}

impl ProductsPage {
    fn chips(&self) -> Vec<Chip> {
        let mut chips = Vec::new();
        if !self.q.is_empty() {
            let without = self.address.clone().without("q").without("page");
            chips.push(Chip::new(["Search: ", &self.q].concat(), without.href()));
        }
        if let Some((standing, keys)) = self.standing {
            let without = self.address.clone().without("keys").without("page");
            chips.push(Chip::new([standing.label(), ": ", &number(keys)].concat(), without.href()));
        }
        let category = self.address.get("category");
        if !category.is_empty() {
            let without = self.address.clone().without("category").without("page");
            chips.push(Chip::new(["Category: ", category].concat(), without.href()));
        }
        // A product in the archive is the site's to bring back.
        if self.shell.operates() {
            chips.push(self.archived.chip.clone());
        }
        chips
    }

    /// Without any filter; nowhere where the archive's chip stands alone.
    fn clear(&self) -> &str {
        if self.chips().len() > usize::from(self.shell.operates()) { self.address.path() } else { "" }
    }

    fn is_open(&self, row: &ProductRow) -> bool {
        self.panel.as_ref().is_some_and(|panel| panel.slug == row.slug)
    }
}

#[cfg(test)]
impl ProductsPage {
    /// A list without a panel.
    pub fn sample() -> Self {
        let address = Address::new("/products");
        let products = [
            ("Dynamics 365 Business Central on-premises", "Business applications", 6, 11),
            ("Exchange Server 2019 Standard", "Servers", 8, 13),
            ("Office LTSC Professional Plus 2024", "Applications", 11, 33),
            ("Office LTSC Standard 2021", "Applications", 9, 20),
            ("Office Professional Plus 2019", "Applications", 10, 25),
            ("Power BI Report Server", "Servers", 7, 16),
            ("Project Professional 2024", "Applications", 5, 7),
            ("SharePoint Server Subscription Edition", "Servers", 7, 11),
            ("SQL Server 2019 Standard", "Servers", 6, 0),
            ("SQL Server 2022 Enterprise Core", "Servers", 7, 11),
            ("System Center 2025 Datacenter", "Servers", 9, 14),
            ("Visio LTSC Professional 2024", "Applications", 8, 12),
            ("Visual Studio Enterprise 2022", "Developer tools", 10, 17),
            ("Windows 10 Enterprise LTSC 2021", "Systems", 10, 23),
            ("Windows 10 ESU Year 1", "Extended security updates", 9, 17),
            ("Windows 11 Enterprise", "Systems", 9, 19),
            ("Windows 11 Pro", "Systems", 11, 24),
            ("Windows Server 2025 Datacenter", "Servers", 10, 1_022),
        ];
        let rows = products.iter().map(|&(name, category, license_ids, keys)| {
            let slug = name.to_lowercase().replace(' ', "-");
            ProductRow {
                href: address.clone().at(crate::web::view::product_path(&slug)).href(),
                slug,
                name: name.into(),
                category: category.into(),
                license_ids,
                keys,
                needs_key: keys > 0,
            }
        });
        let category = |label: &str, count, current| Category {
            label: label.into(),
            href: "/products?category=Servers".into(),
            count,
            current,
        };
        Self {
            shell: Shell::sample("/products"),
            q: String::new(),
            standing: None,
            categories: vec![
                category("All", 1_204, true),
                category("Applications", 5, false),
                category("Servers", 7, false),
                category("Systems", 3, false),
                category("Extended security updates", 4, false),
            ],
            rows: rows.collect(),
            pager: Pager::new(&address, "page", 1, 50, 1_204),
            export: Some(Export::of_keys("export-keys", "Export all keys", "all").text("All 474 keys you may see.")),
            empty: Empty::new(crate::web::view::EmptyKind::NothingMatches, "No product matches", "Try fewer words.")
                .action("Clear filters", "/products"),
            archived: Archived::of(&address, crate::web::view::Archive::LIST),
            panel: None,
            columns: Columns::parse(&COLUMNS, &[]),
            address,
        }
    }

    /// The same list with the Keys tab of a product open.
    pub fn sample_open(tab: ProductTab) -> Self {
        let panel = ProductPanel::sample(tab);
        let shell = Shell::sample("/products/windows-11-pro");
        Self { shell, panel: Some(panel), ..Self::sample() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_leads_to_its_panel() {
        let html = ProductsPage::sample().render().expect("renders");
        assert!(html.contains("href=\"/products/windows-11-pro\""));
        assert!(html.contains("1–50 of 1,204"));
        assert!(html.contains("none needed"));
        assert!(!html.contains("class=\"panel\""));
    }

    #[test]
    fn filters_become_chips_that_can_be_taken_off() {
        let address = Address::new("/products").with("q", "<office>").with("category", "Servers").with("page", "2");
        let standing = Some((Standing::UsedUp, 1_006));
        let page = ProductsPage { q: "<office>".into(), standing, rows: vec![], address, ..ProductsPage::sample() };
        let chips = page.chips();
        assert_eq!(chips[0].href, "/products?category=Servers");
        assert_eq!(chips[1].label, "MAKs used up: 1,006");
        let html = page.render().expect("renders");
        assert!(html.contains("Search: &#60;office&#62;") && html.contains("No product matches"));
    }

    #[test]
    fn every_tab_of_the_panel_renders() {
        let keys = ProductsPage::sample_open(ProductTab::Keys).render().expect("renders");
        assert!(keys.contains("•••••-•••••-•••••-•••••-3GH4") || keys.contains("-G3GH4"));
        assert!(keys.contains("Export selected keys"));
        let about = ProductsPage::sample_open(ProductTab::About).render().expect("renders");
        assert!(about.contains("Edition"));
        let downloads = ProductsPage::sample_open(ProductTab::Downloads).render().expect("renders");
        for part in [
            "25H2.iso",
            "Open files.example.org",
            "slmgr /ipk W269N",
            "Up to 16 GiB",
            "5.1 GiB",
            "ended on 22 Nov 2026",
        ] {
            assert!(downloads.contains(part), "{part}");
        }
        for part in ["Not usable yet", "Another day for one key", "Reimaging"] {
            assert!(about.contains(part), "{part}");
        }
    }

    #[test]
    fn without_a_file_or_a_role_the_tab_says_so() {
        let with = |change: fn(&mut crate::products::downloads::tab::Downloads)| {
            let mut page = ProductsPage::sample_open(ProductTab::Downloads);
            if let Some(tab) = page.panel.as_mut().and_then(|panel| panel.downloads.as_mut()) {
                change(tab);
            }
            page.render().expect("renders")
        };
        assert!(with(|tab| tab.rows.clear()).contains("This product is not available for download."));
        let locked = with(|tab| {
            tab.form = None;
            tab.locked = Some(crate::web::view::Locked {
                role: Some(crate::auth::roles::Role::ProductDownloadManager),
                places: vec![crate::web::view::LockedPlace { license_id: "8671204".into(), open: None }],
                ask: vec!["Mara".into()],
            });
        });
        assert!(locked.contains("You lack the role Product download manager on License ID 8671204."));
        assert!(!locked.contains("25H2.iso") && !locked.contains("Add a file"));
    }
}
