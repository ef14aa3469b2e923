using Mergeflow.Native;

namespace Mergeflow.Engine.Upcall;

/// <summary>Requests of one packet thread to one handler thread, and their answers, in order and in the same places: nothing is copied, and nobody waits.</summary>
/// <remarks>
/// Protocol. 1. The packet thread fills the next place, and counts it as asked (release). 2. The handler sees that more are asked for than answered (acquire), works on the oldest of them, in its
/// place. 3. It counts it as answered (release). 4. The packet thread sees that more are answered than done (acquire), and uses the oldest. 5. It counts it as done, which it tells nobody: it does
/// not fill a place that is asked for and not done. Behind steps 1 and 3 each wakes the other if it sleeps (<see cref="WakeLatch"/>).
/// </remarks>
/// <typeparam name="T">A request, with room for its answer.</typeparam>
public class UpcallChannel<T>
    where T : class
{
    private const int Line = 16;

    private readonly T[] _places;

    /// <summary>What each side writes is on a line of its own: asked, answered.</summary>
    private readonly long[] _counts = new long[3 * Line];
    private long _asked;
    private long _answered;
    private long _done;

    /// <summary>A channel with as many places as there are requests in <paramref name="places"/>.</summary>
    public UpcallChannel(IEnumerable<T> places) => _places = [.. places];

    /// <summary>Wakes the handler; null = it does not sleep.</summary>
    public WakeLatch? HandlerLatch { get; set; }

    /// <summary>Wakes the packet thread; null = it does not sleep.</summary>
    public WakeLatch? PacketLatch { get; set; }

    /// <summary>The place of the next request; null = all are taken. By the packet thread, as are <see cref="Ask"/>, <see cref="Answered"/> and <see cref="Done"/>.</summary>
    public T? Free => _asked - _done < _places.Length ? At(_asked) : null;

    /// <summary>Step 1, when the place is filled.</summary>
    public void Ask()
    {
        CountAsked();
        HandlerLatch?.Set();
    }

    /// <summary>Step 4: the oldest request that is answered; null = there is none.</summary>
    public virtual T? Answered
    {
        get
        {
            Interleaving.Step("U4 answered");
            return _done < Volatile.Read(ref _counts[2 * Line]) ? At(_done) : null;
        }
    }

    /// <summary>Step 5.</summary>
    public void Done() => _done++;

    /// <summary>Step 2: the oldest request that is not answered; null = there is none. By the handler, as is <see cref="Answer"/>.</summary>
    public T? Asked
    {
        get
        {
            Interleaving.Step("U2 asked");
            return _answered < Volatile.Read(ref _counts[Line]) ? At(_answered) : null;
        }
    }

    /// <summary>Step 3, when the answer is there.</summary>
    public void Answer()
    {
        Interleaving.Step("U3 answer");
        Volatile.Write(ref _counts[2 * Line], ++_answered);
        PacketLatch?.Set();
    }

    /// <summary>All places, for who owns what is in them.</summary>
    public IReadOnlyList<T> Places => _places;

    /// <summary>Step 1.</summary>
    protected void CountAsked()
    {
        Interleaving.Step("U1 ask");
        Volatile.Write(ref _counts[Line], ++_asked);
    }

    /// <summary>The oldest request that is not done, answered or not.</summary>
    protected T? Oldest => _done < _asked ? At(_done) : null;

    private T At(long number) => _places[number % _places.Length];
}
