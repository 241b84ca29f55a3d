//! [`Items`]: a list that comes page by page, as one stream of items.
//!
//! Start at [`Items::poll_next`](futures_core::Stream::poll_next). A page is asked for when its first item is wanted, so a
//! caller who stops early asks for no more than it reads.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::vec;

use crate::errors::Error;

/// What a generated method makes of one page.
pub(crate) struct Page<T> {
    pub items: Vec<T>,
    pub next_cursor: Option<String>,
    /// `None`: the server does not say.
    pub has_more: Option<bool>,
}

impl<T> Page<T> {
    /// Where the next page begins; `None` on the last. A page without items is the last, whatever it says.
    fn after(&mut self) -> Option<String> {
        let is_last = self.items.is_empty() || self.has_more == Some(false);
        self.next_cursor.take().filter(|cursor| !is_last && !cursor.is_empty())
    }
}

type Fetch<T> = Pin<Box<dyn Future<Output = Result<Page<T>, Error>> + Send>>;

/// The items of all pages of a list; a [`futures_core::Stream`] of `Result<T, Error>`.
///
/// Every page is a call of its own, with its own deadlines and retries. After an error there is nothing more.
pub struct Items<T> {
    fetch: Box<dyn FnMut(Option<String>) -> Fetch<T> + Send>,
    /// Of the page that was read last.
    items: vec::IntoIter<T>,
    next: Next<T>,
}

enum Next<T> {
    /// The page at this cursor, not yet asked for.
    Page(Option<String>),
    Coming(Fetch<T>),
    Nothing,
}

impl<T> Items<T> {
    /// `fetch` gets the page at a cursor; `None`: the first one.
    pub(crate) fn new<F, Fut>(mut fetch: F) -> Self
    where
        F: FnMut(Option<String>) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Page<T>, Error>> + Send + 'static,
    {
        let fetch = Box::new(move |cursor| -> Fetch<T> { Box::pin(fetch(cursor)) });
        Self { fetch, items: Vec::new().into_iter(), next: Next::Page(None) }
    }

    /// The next item; `None` after the last. Dropping the future loses no item.
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        poll_fn(|cx| self.poll_item(cx)).await
    }

    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, Error>>> {
        loop {
            if let Some(item) = self.items.next() {
                return Poll::Ready(Some(Ok(item)));
            }
            match &mut self.next {
                Next::Page(cursor) => self.next = Next::Coming((self.fetch)(cursor.take())),
                Next::Coming(fetch) => match ready!(fetch.as_mut().poll(cx)) {
                    Ok(mut page) => {
                        self.next = page.after().map_or(Next::Nothing, |cursor| Next::Page(Some(cursor)));
                        self.items = page.items.into_iter();
                    }
                    Err(error) => {
                        self.next = Next::Nothing;
                        return Poll::Ready(Some(Err(error)));
                    }
                },
                Next::Nothing => return Poll::Ready(None),
            }
        }
    }
}

// Items are handed out by value; none is ever pinned.
impl<T> Unpin for Items<T> {}

impl<T> futures_core::Stream for Items<T> {
    type Item = Result<T, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_item(cx)
    }
}

impl<T> fmt::Debug for Items<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items").field("here", &self.items.len()).finish_non_exhaustive()
    }
}
