namespace Mergeflow.Engine.Actions;

/// <summary>The Geneve option behind <c>tun_metadata0</c> (OVS <c>NXT_TLV_TABLE_MOD</c>).</summary>
/// <param name="Class">Option class.</param>
/// <param name="Type">Option type; the highest bit says that who does not know the option must drop the packet (RFC 8926, 3.5.1).</param>
/// <param name="LengthBytes">Length of its data: 4 or 8.</param>
public readonly record struct GeneveOption(ushort Class, byte Type, byte LengthBytes)
{
    /// <summary>There is an option.</summary>
    public bool Exists => LengthBytes != 0;
}
