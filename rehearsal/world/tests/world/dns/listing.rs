use rehearsal_world::{RecordKey, RecordSetPage, RecordType};

use super::scene::{Scene, ZONE, address, create, name, set, weighted};

fn keys(scene: &mut Scene, page: &RecordSetPage) -> (Vec<String>, Option<RecordKey>) {
    let list = scene.world.list_resource_record_sets(ZONE, page, scene.now).unwrap();
    let shown = |key: &RecordKey| {
        let identifier = key.set_identifier.as_deref().map(|text| format!(" {text}")).unwrap_or_default();
        format!("{} {}{identifier}", key.name, key.kind)
    };
    (list.items.iter().map(|set| shown(&set.key)).collect(), list.next)
}

fn scene() -> Scene {
    Scene::with([
        address("b.example.com", 1),
        address("a.b.example.com", 1),
        address("b-b.example.com", 1),
        address("a.example.com", 1),
        set("a.example.com", RecordType::Txt, 60, &["\"a\""]),
        set("a.example.com", RecordType::Aaaa, 60, &["::1"]),
        address("*.example.com", 1),
        weighted("w.example.com", "green", 1, 1),
        weighted("w.example.com", "blue", 1, 2),
    ])
}

const ORDER: [&str; 11] = [
    "example.com. NS",
    "example.com. SOA",
    "\\052.example.com. A",
    "a.example.com. A",
    "a.example.com. AAAA",
    "a.example.com. TXT",
    // A hyphen comes before the dot that ends a label.
    "b-b.example.com. A",
    "b.example.com. A",
    "a.b.example.com. A",
    "w.example.com. A blue",
    "w.example.com. A green",
];

#[test]
fn record_sets_are_listed_by_reversed_labels_type_and_identifier() {
    assert_eq!(keys(&mut scene(), &RecordSetPage::default()), (ORDER.map(str::to_owned).to_vec(), None));
}

#[test]
fn lists_come_in_pages_that_begin_where_the_one_before_ended() {
    let mut scene = scene();
    for most in 1..=11 {
        let (mut shown, mut page) = (Vec::new(), RecordSetPage { most: Some(most), ..RecordSetPage::default() });
        loop {
            let (part, next) = keys(&mut scene, &page);
            assert!(part.len() as i64 <= most);
            shown.extend(part);
            let Some(next) = next else {
                break;
            };
            page.name = Some(next.name.to_string());
            page.kind = Some(next.kind.to_string());
            page.set_identifier = next.set_identifier;
        }
        assert_eq!(shown, ORDER, "pages of {most}");
    }
    let from = |name: &str| RecordSetPage { name: Some(name.to_owned()), most: Some(1), ..RecordSetPage::default() };
    assert_eq!(keys(&mut scene, &from("b.example.com")).0, [ORDER[7]]);
    assert_eq!(keys(&mut scene, &from("c.example.com")).0, [ORDER[9]], "a name that is not there is a place all the same");
    assert_eq!(keys(&mut scene, &from("z.example.com")).0, [""; 0]);
}

#[test]
fn a_page_has_at_most_300_and_begins_in_a_way_that_makes_sense() {
    let mut scene = Scene::new();
    scene.have((0..400).map(|number| address(&format!("n{number:03}.example.com"), 1)));
    let now = scene.now;
    let page = |most| RecordSetPage { most: Some(most), ..RecordSetPage::default() };
    let list = scene.world.list_resource_record_sets(ZONE, &page(1_000), now).unwrap();
    assert_eq!((list.items.len(), list.most), (300, 300));
    assert_eq!(list.next.unwrap().name, name("n298.example.com"));
    for wrong in [
        page(0),
        RecordSetPage { kind: Some("A".to_owned()), ..RecordSetPage::default() },
        RecordSetPage {
            name: Some("a.example.com".to_owned()),
            set_identifier: Some("one".to_owned()),
            ..RecordSetPage::default()
        },
        RecordSetPage { name: Some("a..com".to_owned()), ..RecordSetPage::default() },
    ] {
        assert_eq!(scene.world.list_resource_record_sets(ZONE, &wrong, now).unwrap_err().code, "InvalidInput");
    }
}

#[test]
fn lists_show_what_is_still_pending() {
    let mut scene = Scene::new();
    scene.change([create(address("www.example.com", 1))]).unwrap();
    assert!(scene.record("www.example.com", RecordType::A).is_some());
    assert_eq!(scene.addresses("www.example.com"), [0; 0]);
}

#[test]
fn zones_are_listed_by_reversed_labels() {
    let mut scene = Scene::new();
    for (id, zone) in [("Z2", "example.org"), ("Z1", "a.example.com"), ("Z4", "example.net"), ("Z3", "example.net")] {
        scene.world.add_hosted_zone(id, zone).unwrap();
    }
    let now = scene.now;
    let mut ask = |name: Option<&str>, zone: Option<&str>, most: Option<i64>| {
        let list = scene.world.list_hosted_zones_by_name(name, zone, most, now);
        list.map(|list| (list.items.into_iter().map(|zone| zone.id).collect::<Vec<_>>(), list.next.map(|zone| zone.id)))
    };
    assert_eq!(ask(None, None, None).unwrap().0, [ZONE, "Z1", "Z3", "Z4", "Z2"]);
    assert_eq!(ask(None, None, Some(3)).unwrap().1.as_deref(), Some("Z4"));
    assert_eq!(ask(Some("example.net"), None, Some(1)).unwrap().0, ["Z3"]);
    assert_eq!(ask(Some("example.net"), Some("/hostedzone/Z4"), None).unwrap().0, ["Z4", "Z2"]);
    assert_eq!(
        ask(Some("example.mobi"), None, Some(1)).unwrap().0,
        ["Z3"],
        "a name that is not there is a place all the same"
    );
    assert_eq!(ask(Some("a..b"), None, None).unwrap_err().code, "InvalidDomainName");
    assert_eq!(ask(None, Some("Z4"), None).unwrap_err().code, "InvalidInput");
}
