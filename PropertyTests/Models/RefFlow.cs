namespace Mergeflow.PropertyTests;

/// <summary>What a table sees of a packet: a plain array of numbers.</summary>
internal sealed class RefFlow
{
    private readonly UInt128[] _values = new UInt128[(int)RefField.Count];

    public UInt128 this[RefField field]
    {
        get => _values[(int)field];
        set => _values[(int)field] = value;
    }

    /// <summary>A field as a number of at most 64 bits.</summary>
    public ulong U(RefField field) => (ulong)_values[(int)field];

    public bool IsIpv4 => U(RefField.EthType) == 0x0800;

    public bool IsIpv6 => U(RefField.EthType) == 0x86dd;

    public bool IsIp => IsIpv4 || IsIpv6;

    public bool IsArp => U(RefField.EthType) is 0x0806 or 0x8035;

    public bool HasTag => (U(RefField.Tci0) & 0x1000) != 0;

    public RefFlow Clone()
    {
        var copy = new RefFlow();
        _values.CopyTo(copy._values, 0);
        return copy;
    }

    /// <summary>As if conntrack had never seen the packet.</summary>
    public void ClearConntrack()
    {
        for (RefField f = RefField.CtState; f <= RefField.CtTpDst; f++) this[f] = 0;
    }
}
