// The offer to undo goes after ten seconds, but not from under whoever points at it or has the focus in it.
// Its words leave the address at once, so that a reload or the back button doesn't offer it again.
const SECONDS = 10;
const offer = document.querySelector("[data-undo]");
const address = new URL(location.href);

if (offer || address.searchParams.has("did")) {
  for (const word of ["notice", "undo", "did", "n"]) address.searchParams.delete(word);
  history.replaceState(history.state, "", address);
}

if (offer) {
  let timer = 0;
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (offer.matches(":hover, :focus-within")) wait();
      else offer.remove();
    }, SECONDS * 1000);
  };
  offer.addEventListener("pointerleave", wait);
  offer.addEventListener("focusout", wait);
  wait();
}
