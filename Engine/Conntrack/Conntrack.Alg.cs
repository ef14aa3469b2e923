namespace Mergeflow.Engine;

/// <remarks>
/// Control connections of FTP and TFTP are told apart and never offloaded; the data connections they announce are not expected yet, so
/// these are ordinary new ones.
/// </remarks>
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

    /// <summary>Is the packet the first of a control connection, as the action's <c>alg</c> says (OVS <c>ct_verify_helper</c>)?</summary>
    private static bool IsAlgControl(Packet* packet, in DpCt args)
        => (args.Flags & (DpCtFlags.AlgFtp | DpCtFlags.AlgTftp)) != 0
            && packet->Key.NwProto == ((args.Flags & DpCtFlags.AlgFtp) != 0 ? IpProto.Tcp : IpProto.Udp);
}
