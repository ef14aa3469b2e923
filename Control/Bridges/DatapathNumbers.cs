namespace Mergeflow.Control.Bridges;

/// <summary>
/// Numbers that the ports of all bridges of one type have in the datapath (OVS <c>dpif_netdev_port_add</c>): the first that is free; in a dummy datapath the number in the port's name, behind 100 if it begins with <c>br</c>, so that
/// tests know it (<c>choose_port</c>). 0 is the datapath's own port.
/// </summary>
/// <param name="isDummy">Names decide.</param>
public sealed class DatapathNumbers(bool isDummy)
{
    private const uint First = 1;
    private const uint BridgeBase = 100;

    private readonly SortedDictionary<uint, string> _names = [];

    /// <summary>How many more have a number than one.</summary>
    private readonly Dictionary<uint, int> _sharers = [];

    /// <summary>Numbers that are asked for, by the port's name.</summary>
    private readonly Dictionary<string, uint> _wishes = new(StringComparer.Ordinal);

    /// <summary>Ports by number.</summary>
    public IReadOnlyDictionary<uint, string> Names => _names;

    /// <summary>The port of a name gets a number the next time that it gets one, if no other has it then.</summary>
    public void Wish(string name, uint number) => _wishes[name] = number;

    /// <summary>Gives a port its number.</summary>
    public uint Take(string name)
    {
        if (_wishes.Remove(name, out uint wished) && _names.TryAdd(wished, name)) return wished;
        uint number = isDummy && InName(name) is { } own && !_names.ContainsKey(own) ? own : First;
        while (_names.ContainsKey(number)) number++;
        _names.Add(number, name);
        return number;
    }

    /// <summary>Gives a port a number that is asked for; false if another has it.</summary>
    public bool TryTake(string name, uint number) => _names.TryAdd(number, name);

    /// <summary>The number of a port that several share; each gives it back.</summary>
    public uint Share(string name)
    {
        foreach ((uint number, string known) in _names)
        {
            if (known != name) continue;
            _sharers[number] = _sharers.GetValueOrDefault(number) + 1;
            return number;
        }

        return Take(name);
    }

    /// <summary>A port goes.</summary>
    public void Release(uint number)
    {
        if (_sharers.Remove(number, out int others))
        {
            if (others > 1) _sharers[number] = others - 1;
            return;
        }

        _names.Remove(number);
    }

    private static uint? InName(string name)
    {
        int at = name.AsSpan().IndexOfAnyInRange('0', '9');
        if (at < 0) return null;
        ReadOnlySpan<char> digits = name.AsSpan(at);
        int end = digits.IndexOfAnyExceptInRange('0', '9');
        if (!uint.TryParse(end < 0 ? digits : digits[..end], out uint number) || number > int.MaxValue) return null;
        number += name.StartsWith("br", StringComparison.Ordinal) ? BridgeBase : 0;
        return number == 0 ? null : number;
    }
}
