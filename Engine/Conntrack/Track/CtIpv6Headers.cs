using System.Runtime.CompilerServices;

namespace Mergeflow.Engine.Conntrack;

/// <summary>The chain of IPv6 extension headers (OVS <c>parse_ipv6_ext_hdrs</c>).</summary>
internal static unsafe class CtIpv6Headers
{
    private const byte HopByHop = 0;
    private const byte Routing = 43;
    private const byte Fragment = 44;
    private const byte Authentication = 51;
    private const byte DestinationOptions = 60;

    /// <summary>
    /// Walks to the first header that is not an extension. False if the chain is cut off.
    /// </summary>
    /// <param name="data">First byte behind the fixed header.</param>
    /// <param name="end">First byte behind the packet.</param>
    /// <param name="proto">In: next header of the fixed header. Out: the protocol reached; 44 for a later fragment.</param>
    /// <param name="l4">Where it starts.</param>
    /// <param name="fragment">The fragment header, null if there is none.</param>
    /// <param name="isFragment">The packet is a fragment, not a whole datagram.</param>
    public static bool Walk(byte* data, byte* end, ref byte proto, out byte* l4, out byte* fragment, out bool isFragment)
    {
        fragment = null;
        isFragment = false;
        while (true)
        {
            l4 = data;
            if (proto is not (HopByHop or Routing or Fragment or Authentication or DestinationOptions)) return true;
            if (end - data < 8) return false;
            int size = proto switch
            {
                Fragment => 8,
                Authentication => (data[1] + 2) * 4,
                _ => (data[1] + 1) * 8,
            };
            bool wasFragment = proto == Fragment;
            proto = data[0];
            if (end - data < size) return false;
            if (wasFragment)
            {
                fragment = data;
                ushort offset = Unsafe.ReadUnaligned<ushort>(data + 2);
                isFragment |= offset != 0;
                if ((offset & 0xf8ff) != 0)
                {
                    proto = Fragment;
                    l4 = data + size;
                    return true;
                }
            }
            data += size;
        }
    }
}
