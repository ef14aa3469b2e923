namespace Mergeflow.Perf;

/// <summary>Style sheet of the report: light and dark, phone and desktop.</summary>
internal static class HtmlStyle
{
    public const string Css = """
        :root {
          color-scheme: light dark;
          --page: #fbfbfa; --card: #ffffff; --ink: #1b1f24; --soft: #59636e; --line: #dfe3e8; --grid: #e8ebef;
          --none: #6b7683; --softdev: #0f766e; --nic: #b45309;
          --t-nic: #b45309; --t-merged: #0f766e; --t-emc: #3b6fb6; --t-megaflow: #8b6bc0; --t-upcall: #c2415b;
          --peer: #a3195b; --st0: #8a939c; --st1: #d9a066; --st2: #4a7fc1; --st3: #2a9d8f; --st4: #0f5e57; --st5: #7fb069; --st6: #8b6bc0; --st7: #c2415b; --st8: #e07a3f; --st9: #b7b23a; --st10: #5b6b7a; --st11: #c77daa;
          --good: #116c3a; --bad: #b3261e; --unsure: #8a5a00;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --page: #14171b; --card: #1b1f25; --ink: #e6e9ed; --soft: #9aa5b1; --line: #313841; --grid: #2a3038;
            --none: #9aa5b1; --softdev: #2dbdae; --nic: #f0a24a;
            --t-nic: #f0a24a; --t-merged: #2dbdae; --t-emc: #6ea3e8; --t-megaflow: #b497e6; --t-upcall: #f0798f;
            --peer: #ff7eb6; --st0: #77818b; --st1: #e8b987; --st2: #6ea3e8; --st3: #45c4b4; --st4: #1f8f85; --st5: #a3d18c; --st6: #b497e6; --st7: #f0798f; --st8: #f5a06a; --st9: #d9d45e; --st10: #a5b3c1; --st11: #e3a6cb;
            --good: #5fcf8e; --bad: #ff8a80; --unsure: #e8b44c;
          }
        }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
        main { max-width: 980px; margin: 0 auto; padding: 24px 20px 48px; }
        h1 { font-size: 24px; line-height: 1.25; margin: 0 0 4px; }
        h2 { font-size: 17px; margin: 0 0 2px; }
        p { margin: 0 0 10px; }
        .sub { color: var(--soft); }
        section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px 18px; margin-top: 18px; }
        .notes { border-left: 4px solid var(--unsure); }
        .notes p:last-child { margin-bottom: 0; }
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
        .m-none { fill: var(--none); background: var(--none); } .m-soft { fill: var(--softdev); background: var(--softdev); } .m-nic { fill: var(--nic); background: var(--nic); }
        .t-nic { fill: var(--t-nic); background: var(--t-nic); } .t-merged { fill: var(--t-merged); background: var(--t-merged); }
        .t-emc { fill: var(--t-emc); background: var(--t-emc); } .t-megaflow { fill: var(--t-megaflow); background: var(--t-megaflow); }
        .t-upcall { fill: var(--t-upcall); background: var(--t-upcall); }
        .series0 { stroke: var(--t-emc); fill: var(--t-emc); background: var(--t-emc); }
        .series1 { stroke: var(--softdev); fill: var(--softdev); background: var(--softdev); }
        .series2 { stroke: var(--nic); fill: var(--nic); background: var(--nic); }
        .series3 { stroke: var(--t-megaflow); fill: var(--t-megaflow); background: var(--t-megaflow); }
        .series4 { stroke: var(--t-upcall); fill: var(--t-upcall); background: var(--t-upcall); }
        .series5 { stroke: var(--st5); fill: var(--st5); background: var(--st5); }
        .series6 { stroke: var(--st9); fill: var(--st9); background: var(--st9); }
        .series7 { stroke: var(--none); fill: var(--none); background: var(--none); }
        svg polyline.dash1 { stroke-dasharray: 7 4; } svg polyline.dash2 { stroke-dasharray: 2 3; }
        .st0 { fill: var(--st0); background: var(--st0); }
        .st1 { fill: var(--st1); background: var(--st1); }
        .st2 { fill: var(--st2); background: var(--st2); }
        .st3 { fill: var(--st3); background: var(--st3); }
        .st4 { fill: var(--st4); background: var(--st4); }
        .st5 { fill: var(--st5); background: var(--st5); }
        .st6 { fill: var(--st6); background: var(--st6); }
        .st7 { fill: var(--st7); background: var(--st7); }
        .st8 { fill: var(--st8); background: var(--st8); }
        .st9 { fill: var(--st9); background: var(--st9); }
        .st10 { fill: var(--st10); background: var(--st10); }
        .st11 { fill: var(--st11); background: var(--st11); }
        .peer { fill: var(--peer); background: var(--peer); } svg .peer { stroke: var(--card); stroke-width: 1; } .legend i.peer { border-radius: 0; transform: rotate(45deg) scale(.8); }
        svg .total { stroke: var(--ink); stroke-width: 2; }
        /* [class]: outweighs .seriesN, which would fill the area under a line. */
        svg polyline[class] { fill: none; stroke-width: 2; }
        .narrow { display: none !important; }
        .scroll { overflow-x: auto; margin: 6px -18px 0; padding: 0 18px; }
        table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; width: 100%; }
        th, td { padding: 5px 9px; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
        th { color: var(--soft); font-weight: 600; }
        th.t, td.t { text-align: left; }
        tr.first td { border-top: 2px solid var(--line); }
        .good { color: var(--good); } .bad { color: var(--bad); font-weight: 600; } .unsure { color: var(--unsure); }
        dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 16px; margin: 6px 0 0; font-size: 14px; }
        dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
        code { font: 13px ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; overflow-wrap: anywhere; }
        @media (max-width: 640px) {
          main { padding: 16px 10px 32px; }
          section { padding: 14px 12px; }
          .scroll { margin: 6px -12px 0; padding: 0 12px; }
          h1 { font-size: 20px; }
          .wide { display: none !important; }
          svg.narrow { display: block !important; }
          dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: 8px; }
        }
        @media print { body { background: #fff; } section { break-inside: avoid; } }
        """;
}
