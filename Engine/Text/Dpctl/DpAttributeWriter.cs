using System.Text;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Text;

/// <summary>
/// Writes <c>name(a=1,b=2/0xff)</c> items (OVS <c>format_odp_key_attr</c>). Parts that were not consulted, and items without a part,
/// do not appear; <paramref name="verbose"/> shows them with a mask of 0.
/// </summary>
internal sealed class DpAttributeWriter(bool verbose)
{
    private readonly StringBuilder _text = new();
    private int _open = -1;
    private string _name = "";

    public bool Verbose => verbose;

    /// <summary>Begins an item; nothing is written until it has a part.</summary>
    public void Begin(string name) => (_name, _open) = (name, _text.Length);

    /// <summary>Ends the item that <see cref="Begin"/> began.</summary>
    public void End()
    {
        if (_text.Length != _open) _text.Append(')');
    }

    /// <summary>Adds a finished item.</summary>
    public void Item(string text)
    {
        if (_text.Length > 0) _text.Append(',');
        _text.Append(text);
    }

    /// <summary>A part without a name, e.g. in <c>recirc_id(0x1)</c>.</summary>
    public void Value(UInt128 value, UInt128 mask, UInt128 full)
    {
        if (Shows(mask)) Part("", mask == full ? NumberText.Hex(value) : $"{NumberText.Hex(value)}/{NumberText.Hex(mask)}");
    }

    /// <summary><c>name=123</c> or <c>name=123/0xff</c>.</summary>
    public void Number(string name, uint value, uint mask, uint full)
    {
        if (Shows(mask)) Part(name, mask == full ? $"{value}" : $"{value}/{NumberText.Hex(mask)}");
    }

    /// <summary><c>name=0x12</c> or <c>name=0x12/0xff</c>.</summary>
    public void Hex(string name, ulong value, ulong mask, ulong full)
    {
        if (Shows(mask)) Part(name, mask == full ? NumberText.Hex(value) : $"{NumberText.Hex(value)}/{NumberText.Hex(mask)}");
    }

    /// <summary><c>name=1.2.3.4</c>, with a dotted mask unless it is full.</summary>
    public void Ipv4(string name, uint value, uint mask)
    {
        if (!Shows(mask)) return;
        string text = AddressText.Format(value, FieldFormat.Ipv4);
        Part(name, mask == uint.MaxValue ? text : $"{text}/{AddressText.Format(mask, FieldFormat.Ipv4)}");
    }

    /// <summary><c>name=fd00::1</c>, with a mask unless it is full; OVS prints no prefix lengths here.</summary>
    public void Ipv6(string name, Ipv6Address value, Ipv6Address mask)
    {
        UInt128 m = mask.ToUInt128();
        if (Shows(m)) Part(name, m == UInt128.MaxValue ? value.ToString() : $"{value}/{mask}");
    }

    /// <summary><c>name=00:..:01</c>, with a mask unless it is full.</summary>
    public void Ethernet(string name, EthAddress value, EthAddress mask)
    {
        ulong m = mask.ToUInt64();
        if (Shows(m)) Part(name, AddressText.FormatMasked(value.ToUInt64(), m, FieldFormat.Ethernet));
    }

    /// <summary>A part as it is; <paramref name="name"/> empty for none.</summary>
    public void Part(string name, string value)
    {
        if (_text.Length == _open)
        {
            if (_text.Length > 0) _text.Append(',');
            _text.Append(_name).Append('(');
        }
        else
        {
            _text.Append(',');
        }

        if (name.Length > 0) _text.Append(name).Append('=');
        _text.Append(value);
    }

    private bool Shows(UInt128 mask) => verbose || mask != 0;

    public override string ToString() => _text.ToString();
}
