namespace Mergeflow.Switch;

/// <summary>Where merged rules go: the effect of several passes through the tables as one match and one list of actions.</summary>
public enum SwitchOffload
{
    /// <summary>There are none.</summary>
    None,

    /// <summary>Into a table that software asks first.</summary>
    Software,

    /// <summary>Into an emulated NIC with one table and no connection tracking.</summary>
    EmulatedNic,
}
