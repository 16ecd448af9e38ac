// A classic script, in old syntax on purpose: it must run where the page's modules can't, that is from file:// and in
// browsers without modules. It only shows notices that are already in the page.
// biome-ignore lint/complexity/useArrowFunction: old syntax on purpose
(function () {
  /** @param {string} id */
  function show(id) {
    var notice = document.getElementById(id);
    if (!notice) return;
    notice.hidden = false;
    document.body.setAttribute('data-state', 'failed');
  }
  // A module that is missing, however deep, fails the script element that wanted it. The event does not bubble.
  /** @param {Event} event */
  function partFailed(event) {
    var target = event.target;
    if (target instanceof HTMLScriptElement && target.type === 'module') show('parts-notice');
  }
  if (location.protocol === 'file:') show('file-notice');
  else if (!('noModule' in document.createElement('script'))) show('old-browser-notice');
  else addEventListener('error', partFailed, true);
})();
