using System.Runtime.CompilerServices;

namespace Mergeflow.Engine;

public sealed unsafe partial class Conntrack
{
    private const ushort FtpPort = 21;
    private const ushort TftpPort = 69;

    /// <summary>
    /// Does the packet look like control traffic of a gateway (OVS <c>get_alg_ctl_type</c>)? Such a packet passes the state machine at
    /// every <c>ct</c>.
    /// </summary>
    private static bool IsAlgPort(Packet* packet, in DpCt args)
    {
        FlowKey* k = &packet->Key;
        return k->NwProto switch
        {
            IpProto.Udp => k->TpDst.Host == TftpPort || (args.Flags & DpCtFlags.AlgTftp) != 0,
            IpProto.Tcp => k->TpDst.Host == FtpPort || k->TpSrc.Host == FtpPort || (args.Flags & DpCtFlags.AlgFtp) != 0,
            _ => false,
        };
    }
}
