using System.Diagnostics;
using System.Globalization;

namespace Mergeflow.Cli;

/// <summary>One line on a terminal that says how far a long replay is, in events, percent where the length of the input is known, and events per second: nothing for a short one, and nothing is left of it at the end.</summary>
public sealed class ReplayProgress
{
    private const int EventsPerLook = 256;
    private const string Clear = "\r\u001b[2K";

    /// <summary>How long a replay runs before anything is shown.</summary>
    public static readonly TimeSpan Quiet = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan s_period = TimeSpan.FromSeconds(0.5);

    private readonly TextWriter _terminal;
    private readonly Func<TimeSpan> _elapsed;
    private TimeSpan _next = Quiet;
    private long _events;
    private bool _isShown;

    /// <param name="terminal">A terminal; what is in its current line is overwritten.</param>
    /// <param name="elapsed">Time since the start; null = the system's.</param>
    public ReplayProgress(TextWriter terminal, Func<TimeSpan>? elapsed = null)
    {
        _terminal = terminal;
        Stopwatch watch = Stopwatch.StartNew();
        _elapsed = elapsed ?? (() => watch.Elapsed);
    }

    /// <summary>On standard error if that is a terminal, else null.</summary>
    public static ReplayProgress? OnTerminal(TextWriter error)
        => ReferenceEquals(error, Console.Error) && !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb") ? new ReplayProgress(error) : null;

    /// <summary>Counts an event.</summary>
    /// <param name="part">How much of the input has been read, 0 to 1; null = nobody knows.</param>
    public void Add(double? part)
    {
        if (++_events % EventsPerLook != 0) return;
        TimeSpan now = _elapsed();
        if (now < _next) return;
        _next = now + s_period;
        _isShown = true;
        string share = part is double p ? string.Create(CultureInfo.InvariantCulture, $", {p * 100:F0} %") : "";
        _terminal.Write(string.Create(CultureInfo.InvariantCulture, $"{Clear}{_events:N0} events{share}, {_events / now.TotalSeconds:N0}/s, {now.TotalSeconds:F0} s"));
        _terminal.Flush();
    }

    /// <summary>The replay is over, or a line is to be written.</summary>
    public void End()
    {
        if (!_isShown) return;
        _isShown = false;
        _terminal.Write(Clear);
        _terminal.Flush();
    }
}
