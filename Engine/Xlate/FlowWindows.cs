using System.Runtime.CompilerServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Engine.Xlate;

/// <summary>Fields of the flow under a mask, and masks as fields: both are 8-byte windows in memory order.</summary>
internal static unsafe class FlowWindows
{
    public static Be16 Half(this XlateFlow flow, int offset, ulong mask) => new((ushort)(*(ushort*)(flow.Current + offset) & mask));

    public static Be32 Word(this XlateFlow flow, int offset, ulong mask) => new((uint)(*(uint*)(flow.Current + offset) & mask));

    public static EthAddress Mac(this XlateFlow flow, int offset, ulong mask) => Mac(Unsafe.ReadUnaligned<ulong>(flow.Current + offset) & mask);

    public static EthAddress Mac(ulong window) => Unsafe.ReadUnaligned<EthAddress>(ref Unsafe.As<ulong, byte>(ref window));

    public static Ipv6Address Wide(this XlateFlow flow, int offset, ulong mask0, ulong mask1)
        => Wide(Unsafe.ReadUnaligned<ulong>(flow.Current + offset) & mask0, Unsafe.ReadUnaligned<ulong>(flow.Current + offset + 8) & mask1);

    public static Ipv6Address Wide(ulong first, ulong second)
    {
        UInt128 both = new(second, first);
        return Unsafe.As<UInt128, Ipv6Address>(ref both);
    }
}
