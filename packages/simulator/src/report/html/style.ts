/**
 * The page's style sheet. Colours of candidates are Okabe and Ito's, safe for all kinds of colour vision, darkened or lightened
 * to stand out from the background by 3:1; dashes tell lines apart without any colour.
 */
const light = `--back:#fff;--card:#fff;--ink:#1b1f24;--soft:#59636e;--line:#d9dee3;--mark:#0a6b3d;--markback:#e3f4ea;
--s0:#0072b2;--s1:#c9510c;--s2:#00805c;--s3:#a83d7e;--s4:#9a6a00;--s5:#2f8fcb;--s6:#5b4bb5;--s7:#59636e;
--p0:#0072b2;--p1:#c9510c;--p2:#9a6a00;--p3:#dfe4e9;--i3:#1b1f24;--i0:#fff`;
const dark = `--back:#14181d;--card:#1b2026;--ink:#e8ecf0;--soft:#a3adb8;--line:#353d46;--mark:#6fdca3;--markback:#16382a;
--s0:#56b4e9;--s1:#ff9153;--s2:#3ecf9e;--s3:#e79ac6;--s4:#e6b83c;--s5:#9ad1f5;--s6:#b0a4ff;--s7:#a3adb8;
--p0:#56b4e9;--p1:#ff9153;--p2:#e6b83c;--p3:#353d46;--i3:#e8ecf0;--i0:#10141a`;

const dashes = ['none', '7 3', '2 2.5', '9 3 2 3', '4 2', '12 4', '1 3', '6 2 1 2 1 2'];

export const style = `
:root{color-scheme:light dark;${light}}
@media (prefers-color-scheme:dark){:root{${dark}}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;-webkit-text-size-adjust:100%}
main{max-width:1240px;margin:0 auto;padding:1.25rem 1rem 3rem}
h1{font-size:1.05rem;font-weight:600;color:var(--soft);margin:0 0 .25rem;overflow-wrap:anywhere}
h2{font-size:1.3rem;margin:2.25rem 0 .25rem}
h3{font-size:1rem;margin:0}
p{margin:.25rem 0}
.answer{font-size:1.65rem;line-height:1.3;font-weight:650;margin:0 0 .5rem;max-width:56rem;text-wrap:pretty;overflow-wrap:anywhere}
.sure,figcaption p,.hint{color:var(--soft)}
.hint{font-size:.88rem}
figcaption p{font-size:.88rem;margin:0 0 .35rem}
.trade{list-style:none;padding:0;margin:.5rem 0;display:grid;gap:.4rem 1.5rem;max-width:62rem}
.trade b{color:var(--mark)}
.trade b.other{color:var(--s0)}
.trade b.cost{color:var(--s1)}
dl.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.75rem 1.25rem;margin:1.25rem 0 0;padding:.9rem 0 0;border-top:1px solid var(--line)}
dl.facts div{min-width:0}
dt{color:var(--soft);font-size:.85rem}
dd{margin:0;font-weight:600;overflow-wrap:anywhere}
.grid2{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:1.5rem 2rem;margin-top:.75rem}
figure{margin:0;min-width:0;break-inside:avoid}
figure.whole{grid-column:1/-1}
.stack figure{margin-top:.75rem}.stack figure+figure{margin-top:1.75rem}
.plot{position:relative;min-height:60px}
.plot svg{display:block;width:100%;height:auto;overflow:visible}
.plot:focus-visible,.scroller:focus-visible,canvas:focus-visible,.wide:focus-visible{outline:2px solid var(--s0);outline-offset:2px}
text{fill:var(--ink);font-size:12px}
text.tick{fill:var(--soft)}
text.axis{fill:var(--soft);font-size:12px}
text.value{font-weight:600;font-size:12.5px}
.grid{stroke:var(--line);stroke-width:1}
.base{stroke:var(--soft);stroke-width:1}
.pointer{stroke:var(--soft);stroke-dasharray:3 3}
.line{fill:none;stroke-width:2;stroke-linejoin:round;vector-effect:non-scaling-stroke}
.whisker{fill:none;stroke-width:2}
.dot{stroke:var(--back);stroke-width:1.5}
${dashes.map((dash, index) => `.line.s${index}{stroke:var(--s${index});stroke-dasharray:${dash}}.whisker.s${index}{stroke:var(--s${index})}.dot.s${index}{fill:var(--s${index})}.chip.c${index}{background:var(--s${index})}`).join('\n')}
${[0, 1, 2, 3].map((part) => `.part.p${part}{fill:var(--p${part})}.chip.q${part}{background:var(--p${part})}`).join('\n')}
.part{stroke:var(--back);stroke-width:1}
.inside{fill:var(--i0);font-weight:600}
.inside.i3{fill:var(--i3)}
.tip{position:absolute;z-index:5;pointer-events:none;background:var(--card);color:var(--ink);border:1px solid var(--line);border-radius:6px;padding:.35rem .6rem;font-size:.82rem;line-height:1.4;box-shadow:0 4px 14px rgb(0 0 0/.18);max-width:min(22rem,90%);width:max-content;overflow-wrap:anywhere}
.tip[hidden]{display:none}
.swatch{vertical-align:middle;margin-right:.35rem}
.tip .swatch{margin-right:0}
#legend{position:sticky;top:0;z-index:6;display:flex;gap:.4rem;overflow-x:auto;background:var(--back);padding:.5rem 0;margin-top:.75rem;border-bottom:1px solid var(--line)}
button,select{font:inherit;font-size:.9rem;color:var(--ink);background:var(--card);border:1px solid var(--line);border-radius:6px;padding:.3rem .65rem;white-space:nowrap;min-height:2.1rem}
button{cursor:pointer}
select{max-width:100%;min-width:0;flex:0 1 auto;text-overflow:ellipsis}
button[aria-pressed=false]{opacity:.45;text-decoration:line-through}
.controls{display:flex;flex-wrap:wrap;gap:.4rem .9rem;margin:.25rem 0 .6rem;align-items:center}
.controls label{font-size:.88rem;color:var(--soft);display:flex;gap:.4rem;align-items:center;max-width:100%;min-width:0;white-space:nowrap}
.scale,.tenants,.keys{display:flex;flex-wrap:wrap;gap:.3rem 1rem;font-size:.85rem;color:var(--soft);align-items:center;margin:.3rem 0}
.ramp{display:inline-block;width:9rem;height:.8rem;background:linear-gradient(90deg,#00224e,#123570,#3b496c,#575d6d,#707173,#8a8678,#a59c74,#c3b369,#e1cc55,#f4dd3f,#fee838);margin:0 .4rem;vertical-align:middle}
.chip{display:inline-block;width:.85rem;height:.85rem;border-radius:2px;margin-right:.35rem;vertical-align:-1px;border:1px solid var(--line)}
.scroller{overflow:auto;border:1px solid var(--line);max-height:70vh}
.spacer{position:relative}
.spacer canvas{position:sticky;top:0;left:0;display:block}
canvas{display:block;max-width:100%;touch-action:pan-x pan-y}
.wide{overflow-x:auto;margin:.25rem 0 .5rem}
table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums;min-width:100%}
p.cap{color:var(--soft);font-size:.85rem;margin:.6rem 0 0}
th,td{padding:.32rem .7rem;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th[scope=row],thead td{text-align:left;font-weight:500;position:sticky;left:0;background:var(--back);max-width:42vw;white-space:normal}
thead th{vertical-align:bottom;white-space:normal;min-width:6.5rem;overflow-wrap:anywhere}
tbody tr.group th{text-align:left;color:var(--soft);font-size:.82rem;font-weight:600;padding-top:.9rem}
td.best{color:var(--mark);background:var(--markback);font-weight:650}
td.better{color:var(--mark)}
td.worse{color:var(--s1)}
details{margin:.4rem 0}
summary{cursor:pointer;color:var(--soft);font-size:.88rem;padding:.2rem 0}
pre{background:var(--card);border:1px solid var(--line);border-radius:6px;padding:.75rem;overflow-x:auto;font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.command{display:flex;gap:.5rem;align-items:start;flex-wrap:wrap}
.command pre{flex:1 1 20rem;margin:0;white-space:pre-wrap;overflow-wrap:anywhere}
ul.plain{padding-left:1.1rem;margin:.4rem 0}
ul.plain li{overflow-wrap:anywhere}
.findings{font-size:1.05rem}
footer{margin-top:3rem;color:var(--soft);font-size:.85rem}
@media (max-width:30rem){.answer{font-size:1.25rem}main{padding:1rem .75rem 2rem}th,td{padding:.32rem .45rem}table{font-size:.84rem}}
@media print{
:root{color-scheme:light;${light}}
body{font-size:11pt}
main{max-width:none;padding:0}
#legend{position:static;flex-wrap:wrap}
.controls,.hint,#copy{display:none}
.scroller{max-height:none;height:auto!important;overflow:hidden}
.spacer{width:auto!important;height:auto!important}
canvas{width:100%!important;height:auto!important}
.wide{overflow:visible}
th,td{padding:.2rem .35rem;font-size:8.5pt;white-space:normal}
th[scope=row]{position:static}
h2{break-after:avoid}
.grid2{grid-template-columns:1fr 1fr}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
}
`;
