namespace Mergeflow.Control.Bridges;

/// <summary>
/// OpenFlow numbers of the ports of one bridge (OVS <c>alloc_ofp_port</c>): the one asked for where it is free, otherwise the next in turn below 32768. One that was given back is not given again for an hour if there is
/// another: flows of old may still name it.
/// </summary>
public sealed class OfportAllocator
{
    /// <summary>The bridge's own port.</summary>
    public const int Local = 0xfffe;

    private const int Max = 0xff00;
    private const int AutomaticEnd = 32768;
    private const long RestMs = 60 * 60 * 1000;
    private const long InUse = long.MaxValue;

    private readonly Dictionary<int, long> _usedMs = [];
    private int _last;

    /// <summary>Takes a number; null = there is none left.</summary>
    /// <param name="asked">The one that is asked for; null = any.</param>
    /// <param name="nowMs">Time.</param>
    public int? Take(int? asked, long nowMs)
    {
        if (asked is { } wanted and > 0 and < Max && _usedMs.GetValueOrDefault(wanted) != InUse)
        {
            _usedMs[wanted] = InUse;
            return wanted;
        }

        int? longest = null;
        long longestMs = InUse;
        for (int tried = 1; tried < AutomaticEnd; tried++)
        {
            if (++_last >= AutomaticEnd) _last = 1;
            if (!_usedMs.TryGetValue(_last, out long usedMs) || (usedMs != InUse && usedMs < nowMs - RestMs))
            {
                _usedMs[_last] = InUse;
                return _last;
            }

            if (usedMs < longestMs) (longest, longestMs) = (_last, usedMs);
        }

        if (longest is { } rested) _usedMs[rested] = InUse;
        return longest;
    }

    /// <summary>Gives a number back that nobody has used.</summary>
    public void Forget(int number)
    {
        _usedMs.Remove(number);
        if (number == _last) _last--;
    }

    /// <summary>Gives a number back.</summary>
    public void Release(int number, long nowMs)
    {
        if (number != Local) _usedMs[number] = nowMs;
    }
}
