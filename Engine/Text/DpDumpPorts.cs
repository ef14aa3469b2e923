using System.Globalization;

namespace Mergeflow.Engine;

/// <summary>Ports of a dump: numbers as they are, names numbered in the order in which they first appear.</summary>
public sealed class DpDumpPorts
{
    private const uint FirstNamed = 1;
    private readonly Dictionary<string, uint> _byName = new(StringComparer.Ordinal);
    private readonly HashSet<uint> _taken = [];

    /// <summary>Names and the numbers they got.</summary>
    public IReadOnlyDictionary<string, uint> Names => _byName;

    /// <summary>The number of a port in a dump.</summary>
    public uint NumberOf(string text)
    {
        if (uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint number))
        {
            _taken.Add(number);
            return number;
        }

        if (_byName.TryGetValue(text, out number)) return number;
        number = FirstNamed;
        while (!_taken.Add(number)) number++;
        _byName.Add(text, number);
        return number;
    }
}
