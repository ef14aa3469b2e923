using Mergeflow.Native;

namespace Mergeflow.Engine.Upcall;

/// <summary>How much of a long work is done at a time: so many pieces, and no more once a time has passed.</summary>
/// <param name="most">Pieces.</param>
/// <param name="untilNs">Time by <see cref="MonotonicClock"/>; no limit by default.</param>
public struct Slice(int most, long untilNs = long.MaxValue)
{
    /// <summary>What a call returns that has more to do: it is made again.</summary>
    public const int NotYet = int.MinValue;

    /// <summary>Pieces between two looks at the clock.</summary>
    private const int PiecesPerLook = 8;

    private int _left = most;

    /// <summary>Calls until there is nothing more to do; returns what the last call does.</summary>
    public static int Finish(Func<int> call)
    {
        int result;
        do result = call();
        while (result == NotYet);
        return result;
    }

    /// <summary>All at once.</summary>
    public static Slice Whole => new(int.MaxValue);

    /// <summary>No limit, and nothing taken.</summary>
    public readonly bool IsWhole => _left == int.MaxValue;

    /// <summary>Takes a small piece, if there is room for one.</summary>
    public bool Take()
    {
        if (_left <= 0) return false;
        _left--;
        return untilNs == long.MaxValue || _left % PiecesPerLook != 0 || MonotonicClock.NowNs < untilNs;
    }

    /// <summary>Takes a piece that is worth a look at the clock.</summary>
    public bool TakeLong()
    {
        if (_left <= 0) return false;
        _left--;
        return untilNs == long.MaxValue || MonotonicClock.NowNs < untilNs;
    }
}
