namespace Mergeflow.Engine.Offload;

/// <summary>Which offload provider a datapath has.</summary>
public enum OffloadMode
{
    None,

    /// <summary>Merged rules in a table that the PMD probes first.</summary>
    Soft,

    /// <summary>Merged rules in the emulated NIC.</summary>
    Nic,
}
