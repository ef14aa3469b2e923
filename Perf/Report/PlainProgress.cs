namespace Mergeflow.Perf;

/// <summary>One line per finished row: for logs and pipes.</summary>
public sealed class PlainProgress(TextWriter output) : IProgressView
{
    private int _rowCount;

    /// <inheritdoc/>
    public void Begin(int rowCount) => _rowCount = rowCount;

    /// <inheritdoc/>
    public void Step(int row, string title, string phase, double part, double secondsLeft)
    {
        // Lines only for what is finished.
    }

    /// <inheritdoc/>
    public void Done(int row, string title, ScenarioResult result, double secondsLeft)
    {
        string left = row == _rowCount ? "done" : $"about {Math.Ceiling(secondsLeft):F0} s left";
        output.WriteLine($"[{row,2}/{_rowCount}] {title,-28} {result.PacketsPerSecond.Median / 1e6,8:F2} Mpps {result.NsPerPacket.Median,8:F1} ns/packet   {left}");
        output.Flush();
    }

    /// <inheritdoc/>
    public void End()
    {
        // Nothing is pending.
    }
}
