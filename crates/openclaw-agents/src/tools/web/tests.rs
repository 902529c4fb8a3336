//! Tests of reading pages.

use std::time::{Duration, Instant};

use openclaw_http::fetch::{Cut, Fetched};
use serde_json::json;

use super::html::Form;
use super::page::{self, Page};
use super::{Extractor, wrapped};

fn fetched(content_type: &str, body: impl Into<Vec<u8>>) -> Fetched {
    Fetched {
        url: "https://example.com/docs/page".parse().unwrap(),
        status: 200,
        content_type: Some(content_type.to_owned()),
        disposition: None,
        body: body.into().into(),
        cut: Cut::Whole,
    }
}

fn read(html: &str, form: Form) -> Page {
    page::read(&fetched("text/html", html), form, Extractor::Readability)
}

/// Fills an article up, so that it counts as one.
fn filler() -> String {
    "<p>A paragraph of some length that says nothing at all, but says it in words.</p>".repeat(6)
}

#[test]
fn a_page_becomes_what_it_is_about() {
    let html = format!(
        "<!DOCTYPE html><html><head><title>The  &amp; title</title><style>p {{ color: red }}</style>\
         <script>if (a < b) document.write('<p>scripted</p>')</script></head><body>\
         <nav><ul><li><a href=/>Home</a><li><a href=/about>About</a></ul></nav>\
         <main><h1>Heading</h1><p>Some <b>bold</b> words and <a href='../other?a=1&amp;b=2'>a link</a>.\
         <br>Next.<ol><li>one<li>two<ul><li>deep</ul></ol>\
         <pre>fn main() {{\n    a ```;\n}}</pre>\
         <blockquote><p>Quoted</p></blockquote>\
         <table><tr><th>k<th>v<tr><td>a<td>1</table><img src=x.png alt='A picture'>\
         {}</main><footer>Imprint</footer></body></html>",
        filler()
    );
    let page = read(&html, Form::Markdown);
    assert_eq!(page.title.as_deref(), Some("The & title"));
    assert_eq!(page.extractor, "readability");
    let start = page.text.split("A paragraph of").next().unwrap();
    insta::assert_snapshot!(start, @r"
    # Heading

    Some bold words and [a link](https://example.com/other?a=1&b=2). Next.

    1. one
    2. two
      - deep

    ````
    fn main() {
        a ```;
    }
    ````

    > Quoted

    k | v
    a | 1

    ![A picture](https://example.com/docs/x.png)
    ");
    let words = read(&html, Form::Text).text;
    let start = words.split("A paragraph of").next().unwrap();
    insta::assert_snapshot!(start, @r"
    Heading

    Some bold words and a link. Next.

    1. one
    2. two
      - deep

    fn main() {
        a ```;
    }

    Quoted

    k | v
    a | 1

    [image: A picture]
    ");
}

#[test]
fn what_nobody_sees_is_not_read() {
    let html = format!(
        "<body><p>seen</p><p hidden>x1<p>also seen</p><div style='color: red; DISPLAY : none'>x2\
         <div>x3</div></div><span aria-hidden=true>x4</span><!-- x5 --><template>x6</template>\
         <noscript>x7</noscript><svg><title>x8</title></svg><button>x9</button>{}",
        filler()
    );
    let text = read(&html, Form::Text).text;
    assert!(text.starts_with("seen\n\nalso seen"), "{text}");
    assert!(!text.contains('x'), "{text}");
}

#[test]
fn menus_are_left_out_but_not_when_there_is_nothing_else() {
    let menu = "<div><a href=/a>One</a></div><div><a href=/b>Two</a></div>";
    let page = read(&format!("<body>{menu}{}", filler()), Form::Text);
    assert!(!page.text.contains("One"), "{}", page.text);
    let page = read(&format!("<body>{menu}"), Form::Text);
    assert_eq!(
        (page.text.as_str(), page.extractor),
        ("One\n\nTwo", "whole-page")
    );
    let page = read("<body><script>app()</script>", Form::Text);
    assert_eq!(page.text, "");
    assert!(page.warning.unwrap().contains("scripts"));
}

#[test]
fn only_links_into_the_web_are_kept() {
    let html = "<a href='javascript:alert(1)'>one</a> <a href='data:text/html,x'>two</a> \
                <a href='#here'>three</a> <a href='//other.example/x'>four</a> <a>five</a> \
                <a href='/a'><div>six</div></a> <a href=/e></a>end";
    let text = read(html, Form::Markdown).text;
    assert_eq!(
        text,
        "one two three [four](https://other.example/x) five\n\n[six](https://example.com/a)\n\nend"
    );
}

#[test]
fn no_page_takes_more_than_time_in_proportion_to_its_length() {
    let divs = "<div>".repeat(100_000);
    let megabytes = |piece: &str| piece.repeat(2 * 1024 * 1024 / piece.len());
    let long = "words ".repeat(10 * 1024 * 1024 / 6);
    for (name, html) in [
        (
            "nested",
            format!("{divs}{}{}", long, "</div>".repeat(100_000)),
        ),
        (
            "unclosed",
            megabytes("<div><p><ul><li><table><tr><td><a href=x>"),
        ),
        ("links", megabytes("<a href=/some/where/else>a</a>")),
        ("attributes", format!("<p {}>x", megabytes("a=b "))),
        ("one name", format!("<{}>x", megabytes("a"))),
        ("one attribute", format!("<a href='{}'>x", megabytes("x"))),
        ("comment", format!("<!--{}", megabytes("-"))),
        ("entities", megabytes("&amp;&lt;&#x41;&notit;")),
        ("lists", megabytes("<ol><li>")),
        ("hidden", megabytes("<p hidden><div hidden>x")),
        ("quotes", format!("{}x", megabytes("<blockquote>"))),
        ("ticks", format!("<pre>{}", megabytes("`"))),
        ("nulls", megabytes("\0<\0")),
    ] {
        let began = Instant::now();
        let page = read(&html, Form::Markdown);
        assert!(
            page.text.len() <= 24 * 1024 * 1024,
            "{name}: {}",
            page.text.len()
        );
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{name}: {:?}",
            began.elapsed()
        );
    }
}

#[test]
fn what_is_no_html_is_shown_as_what_it_is() {
    let show = |content_type: &str, body: &[u8]| {
        let page = page::read(
            &fetched(content_type, body),
            Form::Markdown,
            Extractor::Readability,
        );
        (page.extractor, page.text)
    };
    let raw = |text: &str| ("raw", text.to_owned());
    let laid_out = "{\n  \"a\": [\n    1\n  ]\n}".to_owned();
    assert_eq!(
        show("application/json", br#"{"a":[1]}"#),
        ("json", laid_out.clone())
    );
    assert_eq!(
        show("application/ld+json; x=y", br#"{"a":[1]}"#),
        ("json", laid_out)
    );
    assert_eq!(show("application/json", b"{broken"), raw("{broken"));
    assert_eq!(
        show("text/plain", b"<b>as it is</b>"),
        raw("<b>as it is</b>")
    );
    assert_eq!(show("text/markdown", b"# as it is"), raw("# as it is"));
    assert_eq!(show("", b"words"), raw("words"));
    assert_eq!(
        show("application/octet-stream", b"<!doctype HTML><p>hello").1,
        "hello"
    );
    assert_eq!(
        show("text/html", b"%PDF-1.7 \x00\x01"),
        (
            "none",
            "[a file of the type application/pdf, 11 bytes]".to_owned()
        )
    );
    assert_eq!(
        show("image/png", b"\x89PNG"),
        ("none", "[a file of the type image/png, 4 bytes]".to_owned())
    );
    assert_eq!(
        show("", b"a\0b"),
        ("none", "[a file of the type unknown, 3 bytes]".to_owned())
    );
    let deep = "[".repeat(100_000);
    assert_eq!(show("application/json", deep.as_bytes()).0, "raw");
    // Laid out, every number would stand behind 200 blanks.
    let wide = format!(
        "{}{}1{}",
        "[".repeat(100),
        "1,".repeat(400_000),
        "]".repeat(100)
    );
    assert_eq!(show("application/json", wide.as_bytes()).0, "raw");
    assert_eq!(
        show("application/json", json!({}).to_string().as_bytes()).0,
        "json"
    );
}

#[test]
fn no_text_can_end_its_own_wrapping() {
    let once = wrapped("words", "example.com");
    let again = wrapped(&once, "example.com");
    let first = |text: &str| text.lines().next().unwrap().to_owned();
    assert_ne!(first(&once), first(&again));
    assert_eq!(again.lines().count(), 5);
}
