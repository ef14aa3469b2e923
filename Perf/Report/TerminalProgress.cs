using Spectre.Console;

namespace Mergeflow.Perf;

/// <summary>One line at the bottom that is written over: bar, scenario, phase, time left. No timer thread, so nothing runs beside a measurement.</summary>
public sealed class TerminalProgress(IAnsiConsole console) : IProgressView
{
    private const int BarCells = 24;
    private int _rowCount;
    private bool _isShown;

    /// <inheritdoc/>
    public void Begin(int rowCount)
    {
        _rowCount = rowCount;
        console.Cursor.Hide();
    }

    /// <inheritdoc/>
    public void Step(int row, string title, string phase, double part, double secondsLeft)
    {
        int full = (int)Math.Round(Math.Clamp(part, 0, 1) * BarCells);
        string text = $" {row}/{_rowCount} {title}, {phase}, {Math.Ceiling(secondsLeft):F0} s left";
        int room = Math.Max(0, console.Profile.Width - BarCells - 1);
        Clear();
        console.Markup($"[green]{new string('━', full)}[/][grey]{new string('━', BarCells - full)}[/]{Markup.Escape(text.Length > room ? text[..room] : text)}");
        _isShown = true;
    }

    /// <inheritdoc/>
    public void Done(int row, string title, ScenarioResult result, double secondsLeft)
    {
        Clear();
        console.MarkupLine($"[green]✓[/] {Markup.Escape(title.PadRight(30))} {result.PacketsPerSecond.Median / 1e6,8:F2} Mpps {result.NsPerPacket.Median,8:F1} ns/packet");
    }

    /// <inheritdoc/>
    public void End()
    {
        Clear();
        console.Cursor.Show();
    }

    private void Clear()
    {
        if (_isShown) console.Write(new ControlCode("\r\u001b[2K"));
        _isShown = false;
    }
}
