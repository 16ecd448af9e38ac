// A classic script, in old syntax on purpose: it must run where the page's modules can't, that is from file:// and in
// browsers without modules. It only shows a notice that is already in the page.
// biome-ignore lint/complexity/useArrowFunction: old syntax on purpose
(function () {
  var id = '';
  if (location.protocol === 'file:') id = 'file-notice';
  else if (!('noModule' in document.createElement('script'))) id = 'old-browser-notice';
  var notice = id && document.getElementById(id);
  if (notice) {
    notice.hidden = false;
    document.body.setAttribute('data-state', 'failed');
  }
})();
