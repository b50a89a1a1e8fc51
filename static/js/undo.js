// The offer to undo goes after ten seconds, but not from under whoever points at it or has the focus in it.
// Its words leave the address at once, so that a reload or the back button doesn't offer it again.
const SECONDS = 10;
const offer = document.querySelector("[data-undo]");

if (offer) {
  const address = new URL(location.href);
  address.searchParams.delete("notice");
  address.searchParams.delete("undo");
  address.searchParams.delete("did");
  address.searchParams.delete("n");
  history.replaceState(history.state, "", address);

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
