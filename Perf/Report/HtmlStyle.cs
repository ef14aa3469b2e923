namespace Mergeflow.Perf;

/// <summary>Style sheet of the report: light and dark, phone and desktop.</summary>
internal static class HtmlStyle
{
    public const string Css = """
        :root {
          color-scheme: light dark;
          --page: #fbfbfa; --card: #ffffff; --ink: #1b1f24; --soft: #59636e; --line: #dfe3e8; --grid: #e8ebef; --shade: #0000003a;
          --t-nic: #b45309; --t-merged: #0f766e; --t-emc: #3b6fb6; --t-megaflow: #8158c0; --t-upcall: #c2415b;
          --none: #6b7683; --peer: #a3195b; --lost: #8a939c;
          --c0: #4d7c0f; --c1: #a21caf; --c2: #57534e; --c3: #0e7490; --c4: #9a6700; --c5: #6d28d9; --c6: #be123c; --c7: #334155;
          --good: #116c3a; --bad: #b3261e; --unsure: #8a5a00;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --page: #14171b; --card: #1b1f25; --ink: #e6e9ed; --soft: #9aa5b1; --line: #313841; --grid: #2a3038; --shade: #000000b0;
            --t-nic: #f0a24a; --t-merged: #2dbdae; --t-emc: #6ea3e8; --t-megaflow: #b497e6; --t-upcall: #f0798f;
            --none: #9aa5b1; --peer: #ff7eb6; --lost: #77818b;
            --c0: #a3d18c; --c1: #e99bf0; --c2: #b5aca5; --c3: #67d5ee; --c4: #d9d45e; --c5: #c9b1fb; --c6: #fda4b4; --c7: #c3cedb;
            --good: #5fcf8e; --bad: #ff8a80; --unsure: #e8b44c;
          }
        }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
        main { max-width: 1040px; margin: 0 auto; padding: 24px 20px 48px; }
        h1 { font-size: 24px; line-height: 1.25; margin: 0 0 4px; }
        h2 { font-size: 17px; margin: 0 0 2px; }
        p { margin: 0 0 10px; }
        .sub { color: var(--soft); }
        section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px 18px; margin-top: 18px; }
        .figures { display: grid; grid-template-columns: repeat(3, 1fr); gap: 12px 28px; }
        .figures p { margin: 0; }
        .figures .sub { font-size: 13px; margin-top: 4px; overflow-wrap: anywhere; }
        .figure strong { display: block; font-size: 34px; line-height: 1.15; font-variant-numeric: tabular-nums; white-space: nowrap; }
        .figure span { font-weight: 600; }
        .warnings { border-left: 4px solid var(--unsure); }
        .warnings p:last-child { margin-bottom: 0; }
        nav { display: flex; flex-wrap: wrap; gap: 4px 14px; margin-top: 16px; font-size: 13px; }
        a { color: var(--t-emc); }
        .legend { display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 4px 0 10px; padding: 0; list-style: none; font-size: 13px; color: var(--soft); }
        .legend i { display: inline-block; width: 11px; height: 11px; border-radius: 3px; margin-right: 6px; vertical-align: -1px; }
        svg.chart { display: block; width: 100%; height: auto; }
        svg text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; fill: var(--ink); }
        svg .value { font-weight: 600; font-variant-numeric: tabular-nums; }
        svg .beside, svg .tick, svg .axis { fill: var(--soft); }
        svg .grid { stroke: var(--grid); stroke-width: 1; }
        svg .range { stroke: var(--ink); stroke-opacity: .55; stroke-width: 1.5; }
        svg .run { fill-opacity: .55; }
        svg .bar { fill-opacity: .85; }
        svg .median { stroke: var(--card); stroke-width: 1.5; }
        .m-none { fill: var(--none); background: var(--none); }
        .m-soft { fill: var(--t-merged); background: var(--t-merged); }
        .m-nic { fill: var(--t-nic); background: var(--t-nic); }
        .t-nic { fill: var(--t-nic); background: var(--t-nic); }
        .t-merged { fill: var(--t-merged); background: var(--t-merged); }
        .t-emc { fill: var(--t-emc); background: var(--t-emc); }
        .t-megaflow { fill: var(--t-megaflow); background: var(--t-megaflow); }
        .t-upcall { fill: var(--t-upcall); background: var(--t-upcall); }
        .series0 { stroke: var(--c0); fill: var(--c0); background: var(--c0); }
        .series1 { stroke: var(--c1); fill: var(--c1); background: var(--c1); }
        .series2 { stroke: var(--c2); fill: var(--c2); background: var(--c2); }
        .series3 { stroke: var(--c3); fill: var(--c3); background: var(--c3); }
        .series4 { stroke: var(--c4); fill: var(--c4); background: var(--c4); }
        .series5 { stroke: var(--c5); fill: var(--c5); background: var(--c5); }
        .series6 { stroke: var(--c6); fill: var(--c6); background: var(--c6); }
        .series7 { stroke: var(--c7); fill: var(--c7); background: var(--c7); }
        .nic0 { fill: var(--c0); background: var(--c0); }
        .nic1 { fill: var(--c1); background: var(--c1); }
        .nic2 { fill: var(--c2); background: var(--c2); }
        .st-between { fill: var(--c2); background: var(--c2); }
        .st-receive { fill: var(--c4); background: var(--c4); }
        .st-parse { fill: var(--c0); background: var(--c0); }
        .st-conntrack { fill: var(--c3); background: var(--c3); }
        .st-record { fill: var(--c5); background: var(--c5); }
        .st-actions { fill: var(--c6); background: var(--c6); }
        .st-transmit { fill: var(--c7); background: var(--c7); }
        .lost { fill: var(--lost); background: var(--lost); }
        svg polyline.t-nic { stroke: var(--t-nic); } svg polyline.t-merged { stroke: var(--t-merged); } svg polyline.t-emc { stroke: var(--t-emc); } svg polyline.t-megaflow { stroke: var(--t-megaflow); } svg polyline.t-upcall { stroke: var(--t-upcall); }
        svg polyline.dash1 { stroke-dasharray: 7 4; } svg polyline.dash2 { stroke-dasharray: 2 3; }
        .peer { fill: var(--peer); background: var(--peer); } svg .peer { stroke: var(--card); stroke-width: 1; } .legend i.peer { border-radius: 0; transform: rotate(45deg) scale(.8); }
        svg .total { stroke: var(--ink); stroke-width: 2; }
        /* [class]: outweighs .seriesN, which would fill the area under a line. */
        svg polyline[class] { fill: none; stroke-width: 2; }
        .narrow { display: none !important; }
        /* A shadow at the side where there is more: two covers scroll with the table and hide the ones that stay. */
        .scroll {
          overflow-x: auto; margin: 6px -18px 0; padding: 0 18px;
          background: linear-gradient(to right, var(--card) 40%, transparent) left / 48px 100% no-repeat local, linear-gradient(to left, var(--card) 40%, transparent) right / 48px 100% no-repeat local,
            linear-gradient(to right, var(--shade), transparent) left / 16px 100% no-repeat scroll, linear-gradient(to left, var(--shade), transparent) right / 16px 100% no-repeat scroll;
        }
        .scroll:focus-visible { outline: 2px solid var(--t-emc); outline-offset: -2px; }
        table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; width: 100%; }
        th, td { padding: 5px 7px; text-align: right; white-space: nowrap; vertical-align: top; border-bottom: 1px solid var(--line); }
        th { color: var(--soft); font-weight: 600; white-space: normal; vertical-align: bottom; }
        th.t, td.t { text-align: left; }
        td.name { white-space: normal; overflow-wrap: anywhere; min-width: 11em; }
        td small { display: block; color: var(--soft); font-size: 12px; line-height: 1.4; }
        tr.first td { border-top: 2px solid var(--line); }
        tr.all td { font-weight: 600; border-top: 2px solid var(--line); }
        tr.fate td.name { font-weight: 600; }
        .meter { display: inline-block; width: 64px; height: 8px; margin-right: 8px; background: var(--grid); border-radius: 2px; vertical-align: 1px; overflow: hidden; }
        .meter i { display: block; height: 100%; }
        .good { color: var(--good); } .bad { color: var(--bad); font-weight: 600; } .unsure { color: var(--unsure); }
        dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 16px; margin: 6px 0 0; font-size: 14px; }
        dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
        code { font: 13px ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; overflow-wrap: anywhere; }
        @media (max-width: 820px) { .figures { grid-template-columns: 1fr; } }
        @media (max-width: 640px) {
          main { padding: 16px 10px 32px; }
          section { padding: 14px 12px; }
          .scroll { margin: 6px -12px 0; padding: 0 12px; }
          h1 { font-size: 20px; }
          .wide { display: none !important; }
          svg.narrow { display: block !important; }
          dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: 8px; }
          thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
          table, tbody { display: block; }
          tr { display: grid; grid-template-columns: 1fr 1fr; gap: 0 18px; padding: 8px 0; border-bottom: 1px solid var(--line); }
          td, tr.first td, tr.all td { display: flex; flex-wrap: wrap; justify-content: flex-end; gap: 8px; padding: 2px 0; border: 0; min-width: 0; white-space: normal; text-align: right; }
          td::before { content: attr(data-label); color: var(--soft); text-align: left; margin-right: auto; }
          tr td:first-child, tr.all td:first-child { grid-column: 1 / -1; font-weight: 600; text-align: left; display: block; }
          td small { font-weight: 400; flex-basis: 100%; }
          td.name { grid-column: 1 / -1; text-align: left; display: block; }
          td.name:not(:first-child)::before { content: none; }
          .meter { display: none; }
        }
        @media print { body { background: #fff; } section { break-inside: avoid; } }
        """;
}
