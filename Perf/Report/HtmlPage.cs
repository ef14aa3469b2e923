using System.Net;
using System.Text;

namespace Mergeflow.Perf;

/// <summary>The page while it is written: sections with anchors, and tables that are never cut.</summary>
internal sealed class HtmlPage
{
    private readonly StringBuilder _body = new();
    private readonly List<(string Id, string Title)> _sections = [];
    private string[] _headers = [];
    private int _textColumns;
    private int _column;

    /// <summary>Text for HTML.</summary>
    public static string E(string text) => WebUtility.HtmlEncode(text);

    /// <summary>Adds as it is.</summary>
    public HtmlPage Raw(string html)
    {
        _body.Append(html);
        return this;
    }

    /// <summary>Begins a section with a heading that can be linked to; <see cref="EndSection"/> ends it.</summary>
    /// <param name="title">Heading.</param>
    /// <param name="about">A sentence under it, or empty.</param>
    /// <param name="css">Class, or null.</param>
    public void Section(string title, string about, string? css = null)
    {
        string id = string.Concat(title.ToLowerInvariant().Select(static c => char.IsAsciiLetterOrDigit(c) ? c : '-')).Trim('-');
        while (id.Contains("--", StringComparison.Ordinal)) id = id.Replace("--", "-", StringComparison.Ordinal);
        if (_sections.Any(s => s.Id == id)) id += $"-{_sections.Count}";
        _sections.Add((id, title));
        _body.Append($"<section id=\"{id}\"{(css is null ? "" : $" class=\"{css}\"")}>\n<h2>{E(title)}</h2>\n");
        if (about.Length > 0) _body.Append($"<p class=\"sub\">{E(about)}</p>\n");
    }

    /// <summary>Ends what <see cref="Section"/> began.</summary>
    public void EndSection() => _body.Append("</section>\n");

    /// <summary>A section with a drawing.</summary>
    public void Chart(string title, string about, IEnumerable<(string Name, string Css)> legend, string svg)
    {
        Section(title, about);
        _body.Append($"<ul class=\"legend\">{string.Concat(legend.Select(static e => $"<li><i class=\"{e.Css}\"></i>{E(e.Name)}</li>"))}</ul>\n{svg}");
        EndSection();
    }

    /// <summary>
    /// Begins a table: wide ones scroll in their own frame, and on a phone each row becomes a block of names and values. The first <paramref name="textColumns"/> are text.
    /// </summary>
    public void Table(string caption, string[] headers, int textColumns)
    {
        (_headers, _textColumns) = (headers, textColumns);
        _body.Append($"<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{E(caption)}\"><table role=\"table\">\n<thead role=\"rowgroup\"><tr role=\"row\">");
        for (int i = 0; i < headers.Length; i++) _body.Append($"<th role=\"columnheader\" scope=\"col\"{(i < textColumns ? " class=\"t\"" : "")}>{E(headers[i])}</th>");
        _body.Append("</tr></thead>\n<tbody role=\"rowgroup\">\n");
    }

    /// <summary>Begins a row; <paramref name="css"/> is a class or empty.</summary>
    public void Row(string css = "")
    {
        _column = 0;
        _body.Append(css.Length > 0 ? $"<tr role=\"row\" class=\"{css}\">" : "<tr role=\"row\">");
    }

    /// <summary>Cells of text.</summary>
    public void Cells(params string[] cells)
    {
        foreach (string cell in cells) Cell(cell);
    }

    /// <summary>A cell.</summary>
    /// <param name="text">Its text.</param>
    /// <param name="below">In small letters under it, or empty.</param>
    /// <param name="css">Further class, or empty.</param>
    public void Cell(string text, string below = "", string css = "") => CellOf(E(text) + (below.Length > 0 ? $"<small>{E(below)}</small>" : ""), css);

    /// <summary>A share with a bar of its length.</summary>
    /// <param name="percent">0 to 100, as it is printed.</param>
    /// <param name="below">In small letters under it, or empty.</param>
    /// <param name="css">Colour of the bar.</param>
    public void BarCell(string percent, string below, string css)
        => CellOf($"<span class=\"meter\"><i class=\"{css}\" style=\"width:{percent}%\"></i></span>{percent} %{(below.Length > 0 ? $"<small>{E(below)}</small>" : "")}", "");

    /// <summary>Ends the row.</summary>
    public void EndRow() => _body.Append("</tr>\n");

    /// <summary>Ends the table.</summary>
    public void EndTable() => _body.Append("</tbody></table></div>\n");

    /// <summary>Links to the sections so far.</summary>
    public string Contents() => $"<nav aria-label=\"Contents\">{string.Join(' ', _sections.Select(static s => $"<a href=\"#{s.Id}\">{E(s.Title)}</a>"))}</nav>\n";

    /// <summary>All that was added.</summary>
    public override string ToString() => _body.ToString();

    private void CellOf(string html, string css)
    {
        string classes = $"{(_column < _textColumns ? "t" : "")} {css}".Trim();
        string label = _column == 0 ? "" : $" data-label=\"{E(_headers[_column])}\"";
        _body.Append($"<td role=\"cell\"{(classes.Length > 0 ? $" class=\"{classes}\"" : "")}{label}>{html}</td>");
        _column++;
    }
}
