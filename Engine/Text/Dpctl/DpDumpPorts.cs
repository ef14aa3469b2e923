using System.Globalization;
using Mergeflow.Native;

namespace Mergeflow.Engine.Text;

/// <summary>
/// Ports of a dump: numbers as they are, names numbered in the order in which they first appear, with numbers that no line of the dump uses.
/// </summary>
public sealed class DpDumpPorts
{
    private const uint FirstNamed = 1;
    private readonly Dictionary<string, uint> _byName = new(StringComparer.Ordinal);
    private readonly List<string> _names = [];
    private readonly HashSet<uint> _taken = [];

    /// <summary>Names and the numbers they got.</summary>
    public IReadOnlyDictionary<string, uint> Names => _byName;

    /// <summary>
    /// The number of a port in a dump. That of a name is provisional until <see cref="Resolve"/>: which numbers are free is not known before the
    /// last line.
    /// </summary>
    internal uint NumberOf(string text, out bool isNamed)
    {
        isNamed = false;
        if (uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint number))
        {
            _taken.Add(number);
            return number;
        }

        isNamed = true;
        if (_byName.TryGetValue(text, out number)) return number;
        number = ~(uint)_names.Count;
        _names.Add(text);
        _byName.Add(text, number);
        return number;
    }

    /// <summary>Gives names their final numbers, here and in <paramref name="flows"/>, which are all flows of the dump.</summary>
    internal void Resolve(IReadOnlyList<DpFlow> flows)
    {
        uint next = FirstNamed;
        foreach (string name in _names)
        {
            while (!_taken.Add(next)) next++;
            _byName[name] = next;
        }

        foreach (DpFlow flow in flows)
        {
            if (flow.IsPortNamed) flow.Value.InPort = Be32.FromHost(Final(flow.Value.InPort.Host));
            foreach (int i in flow.NamedOutputs) flow.Actions[i].Port = Final(flow.Actions[i].Port);
        }
    }

    private uint Final(uint provisional) => _byName[_names[(int)~provisional]];
}
