using System.Net.Sockets;

namespace Mergeflow.Cli;

/// <summary>Frames of a running switch in the order of their time, from the moment it is made until it is disposed of. For one thread.</summary>
internal sealed class FrameFeed : IDisposable
{
    private readonly FrameTaps _taps;
    private readonly Func<FrameRing> _make;
    private readonly ChangeJournal? _journal;
    private FrameRing[] _rings;

    /// <summary>Frames from now on.</summary>
    /// <param name="running">Whose.</param>
    /// <param name="make">A ring for a packet thread.</param>
    /// <param name="kernelOneIn">One in so many packets that the kernel forwards; 0 = none.</param>
    /// <exception cref="IOException">The kernel makes no copies.</exception>
    public FrameFeed(RunningSwitch running, Func<FrameRing> make, int kernelOneIn = 0)
    {
        (_taps, _make) = (running.Live.Taps, make);
        _rings = _taps.Attach(make, kernelOneIn);
    }

    /// <summary>Frames and changes from a moment on, and what the switch knew then.</summary>
    public FrameFeed(RunningSwitch running, Func<FrameRing> make, out SwitchMoment moment, ChangeJournal journal)
    {
        (_taps, _make, _journal) = (running.Live.Taps, make, journal);
        _rings = _taps.Attach(make, running.NowMs, out moment, journal);
    }

    /// <summary>Takes one frame.</summary>
    /// <param name="pmd">Packet thread that had it.</param>
    /// <param name="frame">It; its bytes are valid during the call.</param>
    /// <returns>False to stop: what is left is not told.</returns>
    public delegate bool Taker(int pmd, in RingFrame frame);

    /// <summary>Frames that were left out because they came faster than they were read.</summary>
    public ulong Lost { get; private set; }

    /// <summary>Whether a client has gone, or has said that it wants no more.</summary>
    public static bool HasLeft(Stream client)
    {
        if (client is not NetworkStream { Socket: { } socket }) return false;
        try
        {
            return socket.Poll(0, SelectMode.SelectRead);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return true;
        }
    }

    /// <summary>Tells what has come since the last time.</summary>
    /// <returns>False if the taker has stopped it.</returns>
    public bool Read(Taker take)
    {
        FrameRing[] full = _rings;
        _rings = _taps.Exchange(full, _make);
        return TellAll(full, take);
    }

    /// <summary>There are no more copies; tells what has come since the last time.</summary>
    public bool End(Taker take)
    {
        FrameRing[] full = _rings;
        _rings = [];
        if (_journal is not null) _taps.Unhang(_journal);
        _taps.Detach(full);
        return TellAll(full, take);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_rings.Length > 0) End(static (int _, in RingFrame _) => false);
    }

    /// <summary>Tells the frames of rings in the order of their time.</summary>
    /// <returns>False if the taker has stopped it.</returns>
    public static bool Tell(FrameRing[] rings, Taker take)
    {
        bool goesOn = true;
        while (goesOn)
        {
            int first = -1;
            long firstNs = long.MaxValue;
            for (int i = 0; i < rings.Length; i++)
            {
                if (rings[i].TryPeek(out long ns) && ns < firstNs) (first, firstNs) = (i, ns);
            }

            if (first < 0) break;
            if (rings[first].TryTake(out RingFrame frame)) goesOn = take(first, frame);
        }

        return goesOn;
    }

    private bool TellAll(FrameRing[] rings, Taker take)
    {
        bool goesOn = Tell(rings, take);
        foreach (FrameRing ring in rings)
        {
            Lost += ring.Lost;
            ring.Dispose();
        }

        return goesOn;
    }
}
