using System.Globalization;

namespace Mergeflow.Cli;

/// <summary>
/// The last frames of a running switch, in bounded memory, each time from a moment on at which all that it knew was noted: so that what has just happened can be made a case. Memory is divided between the times; a
/// time in which more comes than there is room for ends early, and costs nothing from there on.
/// </summary>
internal sealed class LastFrames : IDisposable
{
    /// <summary>With more connections none are noted: packet threads would stand still for too long.</summary>
    public const int MaxConnections = 10_000;

    private const int PeriodMs = 5000;
    private const int Kept = 4;
    private const long MsPerSecond = 1000;

    private readonly RunningSwitch _running;
    private readonly int _ringBytes;
    private readonly Lock _lock = new();
    private readonly LinkedList<Span> _spans = [];
    private readonly ManualResetEvent _end = new(false);
    private readonly Thread _thread;

    /// <summary>Keeps frames from now on.</summary>
    /// <param name="running">Of this switch.</param>
    /// <param name="bytes">Memory of each packet thread.</param>
    public LastFrames(RunningSwitch running, int bytes)
    {
        (_running, _ringBytes) = (running, bytes / Kept);
        _thread = new Thread(Run) { Name = "last-frames", IsBackground = true };
        _thread.Start();
    }

    /// <summary>Takes what there is of the last seconds, at least that much if it is there; it is gone then. Null = there is nothing.</summary>
    public (CaseRecording Recording, SwitchMoment Moment, string? Note)? Take(int seconds)
    {
        lock (_lock)
        {
            if (!Turn()) return null;
            Span[] spans = [.. _spans.SkipLast(1)];
            int first = Array.FindLastIndex(spans, s => s.BeginMs <= _running.NowMs - (seconds * MsPerSecond));
            if (first < 0) first = 0;

            // Behind a gap a case begins anew.
            for (int i = first; i < spans.Length - 1; i++)
            {
                if (spans[i].HasGap) first = i + 1;
            }

            CaseRecording recording = new(_running, spans[first].Moment);
            for (int i = first; i < spans.Length; i++) FrameFeed.Tell(spans[i].Rings, recording.Take);
            string? note = spans[^1].HasGap ? "more came than is kept: the case ends before now"
                : spans[first].BeginMs > _running.NowMs - (seconds * MsPerSecond) ? string.Create(CultureInfo.InvariantCulture, $"only the last {(_running.NowMs - spans[first].BeginMs) / MsPerSecond} s are there") : null;
            SwitchMoment moment = spans[first].Moment;
            foreach (Span span in spans) Drop(span);
            return (recording, moment, note);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _end.Set();
        _thread.Join();
        if (_spans.Last?.Value is { } last) _running.Live.Taps.Detach(last.Rings);
        foreach (Span span in _spans.ToArray()) Drop(span);
        _end.Dispose();
    }

    private void Run()
    {
        do
        {
            lock (_lock) Turn();
        }
        while (!_end.WaitOne(PeriodMs));
    }

    /// <summary>The time begins anew: frames from now on are in other rings. False if that is not possible.</summary>
    private bool Turn()
    {
        FrameRing[]? before = _spans.Last?.Value.Rings;

        // Nothing has come: what is known is still known.
        if (before is not null && Array.TrueForAll(before, static r => r is { Count: 0, Lost: 0 })) return _spans.Count > 1;
        if (_running.Datapath.Conntrack.Count > MaxConnections)
        {
            if (before is not null) _running.Live.Taps.Detach(before);
            foreach (Span span in _spans.ToArray()) Drop(span);
            return false;
        }

        FrameRing Make() => new(_ringBytes, keepsOldest: true);
        FrameRing[] rings = before is null
            ? _running.Live.Taps.Attach(Make, _running.NowMs, out SwitchMoment moment)
            : _running.Live.Taps.Exchange(before, Make, _running.NowMs, out moment);
        _spans.AddLast(new Span(rings, moment, _running.NowMs));
        while (_spans.Count > Kept) Drop(_spans.First!.Value);
        return _spans.Count > 1;
    }

    private void Drop(Span span)
    {
        _spans.Remove(span);
        foreach (FrameRing ring in span.Rings) ring.Dispose();
    }

    private sealed record Span(FrameRing[] Rings, SwitchMoment Moment, long BeginMs)
    {
        public bool HasGap => Array.Exists(Rings, static r => r.Lost > 0);
    }
}
